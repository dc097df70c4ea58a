"""A dashboard as an SVG: panels in their places, each drawn by its kind. Knows nothing of Prometheus."""

import bisect
import html
import itertools
import math
import time

WIDTH, COLUMNS, ROW, GAP, HEAD = 1280, 24, 28, 8, 46
INK, FAINT, LINE, PAGE, PANEL = "#d5d9e0", "#8b93a1", "#2a2f3a", "#0f1218", "#181c24"
COLOURS = ("#7fb7f0", "#f2b75c", "#8fd18a", "#e88fb4", "#b79cf0", "#62cfc6", "#f08c72", "#d6cf6b", "#9aa7bd", "#c98fd8")
NAMED = {"blue": "#7fb7f0", "green": "#73c27a", "orange": "#f0a04b", "red": "#ef6a6a"}
FONT = "font-family=\"Inter, 'Noto Sans', 'DejaVu Sans', sans-serif\""
STEPS = (1, 2, 2.5, 5, 10)
SI = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
BINARY = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
TIMES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"))
PER_SECOND = {"reqps": " req/s", "cps": " conn/s", "ops": "/s", "pps": " packets/s", "short": ""}


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def scaled(value, scale, space=""):
    for size, name in scale:
        if abs(value) >= size * 0.9995:
            return number(value / size) + space + name
    return number(value / scale[-1][0]) + space + scale[-1][1] if value else "0"


def formatted(value, unit):
    if unit == "percentunit":
        return number(value * 100) + "%"
    if unit == "s":
        return scaled(value, TIMES, " ")
    if unit == "bytes":
        return scaled(value, BINARY, " ")
    if unit == "Bps":
        return scaled(value, BINARY, " ") + "/s"
    return scaled(value, SI) + PER_SECOND[unit]


def text(x, y, content, size=11, colour=INK, anchor="start", weight=400):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{html.escape(content)}</text>")


def rectangle(x, y, width, height, colour, radius=0):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" fill="{colour}"/>'


def path(points, **attributes):
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="{line}" ' + " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items()) + "/>"


def ticks(top, unit):
    """About four round values from zero to at least `top`."""
    if unit in ("bytes", "Bps"):
        size = next(size for size, _ in BINARY if top >= size or size == 1)
        return [size * tick for tick in ticks(top / size, "short")]
    rough = (top or 1) / 4
    scale = 10 ** math.floor(math.log10(rough))
    step = next(one * scale for one in STEPS if one * scale >= rough * 0.999)
    return [step * index for index in range(math.ceil((top or 1) / step - 1e-9) + 1)]


def threshold_colour(panel, value):
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return NAMED[[step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]]


def line_colours(panel, names):
    """One after the other, but for those that have a colour of their own."""
    own = {one["matcher"]["options"]: NAMED[one["properties"][0]["value"]["fixedColor"]] for one in panel["fieldConfig"]["overrides"]}
    return [own.get(name, COLOURS[index % len(COLOURS)]) for index, name in enumerate(names)]


class Place:
    """Where a panel draws: its inner box, and the span of time that its width stands for."""

    def __init__(self, box, span):
        self.x, self.y, self.width, self.height = box
        self.begin, self.end, self.step = span

    def at(self, moment):
        return self.x + (moment - self.begin) / (self.end - self.begin) * self.width

    def runs(self, points):
        """The points without gaps, each run by itself."""
        run = []
        for point in points:
            if run and point[0] - run[-1][0] > 2.5 * self.step:
                yield run
                run = []
            run.append(point)
        if run:
            yield run


def time_axis(place):
    seconds = next(one for one in (15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 86400) if (place.end - place.begin) / one <= place.width / 62)
    first = math.ceil(place.begin / seconds) * seconds
    pattern = "%H:%M:%S" if seconds < 60 else "%H:%M"
    return "".join(text(place.at(moment), place.y + place.height + 14, time.strftime(pattern, time.localtime(moment)), 10, FAINT, "middle")
                   for moment in range(int(first), int(place.end) + 1, seconds)
                   if place.at(moment) < place.x + place.width - 8)


def legends(names, x, y, width):
    drawn, begin = "", x
    for index, (name, colour) in enumerate(names):
        wide = 18 + 5.9 * len(name)
        if x + wide > begin + width and index:
            return drawn + text(x, y, f"+{len(names) - index}", 10.5, FAINT)
        drawn += rectangle(x, y - 6, 10, 3, colour, 1) + text(x + 14, y, name, 10.5, FAINT)
        x += wide + 6
    return drawn


def stacked(series):
    """Each series on top of those before it: [(name, upper points, lower points)]."""
    floor, found = {}, []
    for name, points in series:
        lower = [(at, floor.get(at, 0)) for at, _ in points]
        upper = [(at, value + floor.get(at, 0)) for at, value in points]
        floor.update(upper)
        found.append((name, upper, lower))
    return found


def timeseries(panel, series, box, span):
    defaults = panel["fieldConfig"]["defaults"]
    stack = defaults["custom"]["stacking"]["mode"] == "normal"
    shown = stacked(series) if stack else [(name, points, None) for name, points in series]
    marks = ticks(max((value for _, points, _ in shown for _, value in points), default=1), defaults["unit"])
    labels = [formatted(mark, defaults["unit"]) for mark in marks]
    x, y, width, height = box
    left = 8 + max(5.9 * len(label) for label in labels)
    place = Place((x + left, y + 4, width - left - 4, height - 44), span)

    def up(value):
        return place.y + place.height * (1 - value / marks[-1])

    drawn = ""
    for mark, label in zip(marks, labels):
        drawn += rectangle(place.x, up(mark), place.width, 1, LINE) + text(place.x - 6, up(mark) + 3.5, label, 10, FAINT, "end")
    colours = line_colours(panel, [name for name, _ in series])
    for (_, upper, lower), colour in zip(shown, colours):
        for run in place.runs(upper):
            line = [(place.at(at), up(value)) for at, value in run]
            if lower:
                times = [at for at, _ in lower]
                floor = [(place.at(at), up(lower[bisect.bisect_left(times, at)][1])) for at, _ in reversed(run)]
                drawn += path(line + floor, fill=colour, fill_opacity=0.28, stroke="none")
            drawn += path(line, fill="none", stroke=colour, stroke_width=1.5, stroke_linejoin="round")
    names = [(name, colour) for (name, _), colour in zip(series, colours) if name]
    return drawn + time_axis(place) + legends(names, x + 2, y + height - 4, width)


def stat(panel, series, box, span):
    x, y, width, height = box
    points = series[0][1]
    value = points[-1][1]
    colour = threshold_colour(panel, value)
    top = max(value for _, value in points) or 1
    place = Place((x - 10, y, width + 20, height), span)
    drawn = ""
    for run in place.runs(points):
        line = [(place.at(at), y + height + 6 - 26 * value / top) for at, value in run]
        drawn += path([(line[0][0], y + height + 6), *line, (line[-1][0], y + height + 6)], fill=colour, fill_opacity=0.15, stroke="none")
        drawn += path(line, fill="none", stroke=colour, stroke_width=1.2)
    return drawn + text(x, y + 32, formatted(value, panel["fieldConfig"]["defaults"]["unit"]), 27, colour, weight=600)


def state_timeline(panel, series, box, span):
    meaning = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    x, y, width, height = box
    left = 10 + 5.9 * max((len(name) for name, _ in series), default=0)
    place = Place((x + left, y, width - left, height - 44), span)
    drawn, row = "", min(34, place.height / max(1, len(series)))
    for index, (name, points) in enumerate(series):
        drawn += text(place.x - 8, y + row * (index + 0.5) + 4, name, 10.5, FAINT, "end")
        for run in place.runs(points):
            for value, same in itertools.groupby(run, lambda point: point[1]):
                times = [at for at, _ in same]
                begin, end = max(place.x, place.at(times[0] - place.step)), place.at(times[-1])
                drawn += rectangle(begin, y + row * index + 3, end - begin, row - 6, NAMED[meaning[f"{value:.0f}"]["color"]])
    return drawn + time_axis(place) + legends([(one["text"], NAMED[one["color"]]) for one in meaning.values()], x + 2, y + height - 4, width)


KINDS = {"timeseries": timeseries, "stat": stat, "state-timeline": state_timeline}


class Picture:
    def __init__(self, title, span, panels):
        self.title, self.span, self.panels = title, span, panels
        self.width = WIDTH
        self.height = HEAD + GAP + ROW * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in panels)

    def svg(self):
        shown = " – ".join(time.strftime("%H:%M:%S", time.localtime(at)) for at in self.span[:2])
        drawn = rectangle(0, 0, self.width, self.height, PAGE) + text(16, 30, self.title, 18, INK, weight=600)
        drawn += text(self.width - 16, 30, shown, 12, FAINT, "end")
        drawn += "".join(self.panel(panel, series) for panel, series in self.panels)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}" {FONT} style="display:block">{drawn}</svg>\n')

    def panel(self, panel, series):
        column = (self.width - GAP) / COLUMNS
        place = panel["gridPos"]
        x, y = GAP + place["x"] * column, HEAD + place["y"] * ROW
        width, height = place["w"] * column - GAP, place["h"] * ROW - GAP
        drawn = rectangle(0, 0, width, height, PANEL, 4) + text(12, 21, panel["title"], 12, INK, weight=600)
        inner = (12, 34, width - 24, height - 42)
        drawn += KINDS[panel["type"]](panel, series, inner, self.span) if series else text(width / 2, height / 2, "no data", 12, FAINT, "middle")
        return (f'<svg x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">{drawn}</svg>')
