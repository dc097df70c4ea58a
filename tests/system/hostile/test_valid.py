"""Whatever is legal, however odd, and passes nginx and HAProxy unharmed, passes Gatehouse too, or a table says why not.

Requests and responses that are legal but odd (valid_requests.py, valid_messages.py, valid_responses.py) go through Gatehouse, nginx and
HAProxy to endpoints that record. What arrives on either side is compared with what was meant: a facet (the target, a field, the reason)
that both of the others bring over and Gatehouse does not is a finding, unless a row of the table in deploy/guides/coming-from.md says that
it is meant, and why. A finding is played again by itself, and reduced to the features that it needs.

GATEHOUSE_DIFFERENTIAL says how many exchanges, GATEHOUSE_DIFFERENTIAL_SEED which.
"""

import asyncio
import collections
import itertools
import os
import random
import re
import shutil
import unittest

import uvloop

import valid_clients
import valid_requests
import valid_responses
import valid_wire
from valid_case import Case, as_seen
from valid_peers import all_peers
from valid_refused import DELIBERATE
from world import harness, main

COUNT = int(os.environ.get("GATEHOUSE_DIFFERENTIAL", "3000"))
SEED = int(os.environ.get("GATEHOUSE_DIFFERENTIAL_SEED", "1"))
GUIDE = harness.ROOT / "deploy" / "guides" / "coming-from.md"
TITLE = "## What nginx and HAProxy pass and Gatehouse does not"
TOGETHER = 16  # cases of one connection
AT_ONCE = 24  # groups that are played before more are made
MOST_REDUCED = 60  # findings that are reduced for the report
SHARES = {"h1": 0.86, "h2": 0.1, "h3": 0.04}

IN_ROWS = frozenset().union(*(row.features for row in DELIBERATE.values()))


def features_of(generator, protocol):
    """A few of them, no two about the same."""
    requests = {slot: [feature for feature in features if protocol == "h1" or feature.everywhere] for slot, features in valid_requests.SLOTS.items()}
    chosen = []
    for slots in (requests, valid_responses.SLOTS):
        names = generator.sample(sorted(slots), generator.choice((0, 1, 1, 1, 2, 2, 3)))
        chosen += [generator.choice(slots[name]) for name in names if slots[name]]
    return [feature for feature in chosen if feature.label not in IN_ROWS or generator.random() < 0.2]


class Experiment:
    """Plays cases on all peers, on the loop that runs."""

    def __init__(self, peers):
        self.peers, self.books = peers, {peer.name: valid_wire.Book() for peer in peers}

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(lambda book=self.books[peer.name]: valid_wire.Endpoint(book), sock=peer.socket) for peer in self.peers]
        return self

    async def __aexit__(self, *_):
        for server in self.servers:
            server.close()
        for book in self.books.values():
            for transport in book.transports:
                transport.abort()

    async def _play(self, peer, group, step):
        book = self.books[peer.name]
        played = [case.without_interims() for case in group] if peer.name == "nginx" else group
        book.cases |= {case.number: case for case in played}
        if group[0].protocol == "h1":
            responses = await valid_wire.play(peer.http, played, book, step)
        else:
            responses = await asyncio.to_thread(valid_clients.play, peer, played, book)
        for case in played:
            del book.cases[case.number]
        return {case.number: as_seen(case, book.seen.pop(case.number, []), responses[case.number]) for case in group}

    async def play(self, group, step=0):
        """{number: {peer's name: facets}}. nginx knows no interim responses, gets the case without them, and is excused."""
        found = await asyncio.gather(*(self._play(peer, group, step) for peer in self.peers))
        outcomes = {case.number: {peer.name: facets[case.number] for peer, facets in zip(self.peers, found, strict=True)} for case in group}
        for outcome in outcomes.values():
            outcome["nginx"] |= {} if outcome["nginx"]["status"] else {"hints": None}
        return outcomes


def finding(outcome):
    """{facet: what came of it} of what both peers bring over and Gatehouse does not."""
    ours, nginx, haproxy = (outcome[name] for name in ("gatehouse", "nginx", "haproxy"))
    return {facet: word for facet, word in ours.items() if word and facet in nginx and facet in haproxy and not nginx[facet] and not haproxy[facet]}


def explained(case, outcome):
    """(titles of the rows that explain a part of the finding, what is left of it)."""
    left, titles = finding(outcome), []
    status = outcome["gatehouse"]["status"]
    came = int(status.split()[0]) if status else case.status
    for title, row in DELIBERATE.items():
        if not row.features & case.labels:
            continue
        fits = {facet for facet in left if came in row.statuses or row.facet and re.fullmatch(row.facet, facet)}
        titles += [title] if fits else []
        left = {facet: word for facet, word in left.items() if facet not in fits}
    return titles, left


def described(case, outcome):
    head, body = case.request_bytes()
    lines = [f"{case.protocol}, {', '.join(feature.label for feature in case.features)}", f"  request   {(head + body)[:1500]!r}", f"  response  {case.response_bytes()[:1500]!r}"]
    return "\n".join(lines + [f"  {facet}: {word}" for facet, word in explained(case, outcome)[1].items()])


class Hunt:
    """Plays so many cases, and keeps what is found: a case for each set of features and facets."""

    def __init__(self, experiment, seed):
        self.experiment, self.seed = experiment, seed
        self.random = random.Random(seed)
        self.findings, self.titles, self.passed = {}, collections.Counter(), collections.Counter()
        self.number = 0

    def case(self, protocol, features=None):
        self.number += 1
        return Case(self.number, self.seed, features_of(self.random, protocol) if features is None else features, protocol)

    def groups(self, count):
        """Lists of cases: first what the rows of the table need."""
        needed = [feature for slots in (valid_requests.SLOTS, valid_responses.SLOTS) for features in slots.values() for feature in features if feature.label in IN_ROWS]
        yield from ([self.case("h1", [feature]) for _ in range(TOGETHER)] for feature in needed)
        while self.number < count:
            protocol = self.random.choices(list(SHARES), SHARES.values())[0]
            yield [self.case(protocol) for _ in range(TOGETHER)]

    def judge(self, case, outcome):
        for name, facets in outcome.items():
            self.passed[name] += not any(facets.values())
        titles, left = explained(case, outcome)
        self.titles.update(titles)
        if left:
            self.findings.setdefault((case.protocol, case.labels, frozenset(left)), case)

    async def run(self, count):
        groups = self.groups(count)
        while batch := list(itertools.islice(groups, AT_ONCE)):
            steps = [self.random.choice((0,) * 9 + (self.random.randint(1, 200),)) for _ in batch]
            played = await asyncio.gather(*(self.experiment.play(group, step) for group, step in zip(batch, steps, strict=True)))
            for group, outcomes in zip(batch, played, strict=True):
                for case in group:
                    self.judge(case, outcomes[case.number])

    async def reduced(self, case):
        """(case, outcome) with as few features as the finding needs, played alone; None where it needs the others of its connection."""
        best, features = None, list(case.features)
        for left_out in [None, *features]:
            tried = Case(case.number, case.seed, [feature for feature in features if feature is not left_out], case.protocol)
            outcome = (await self.experiment.play([tried]))[tried.number]
            if explained(tried, outcome)[1]:
                best, features = (tried, outcome), tried.features
            elif left_out is None:
                return None
        return best

    async def report(self):
        """A text for each finding that stands, those with few features first: what these explain is not told again."""
        texts, known = [], []
        for (protocol, labels, facets), case in sorted(self.findings.items(), key=lambda item: len(item[0][1])):
            told = [changed for other, needed, changed in known if protocol == other and needed <= labels]
            if len(texts) == MOST_REDUCED or any("status" in changed for changed in told) or facets <= frozenset().union(*told):
                continue
            best = await self.reduced(case)
            if best is not None:
                texts.append(described(*best))
                known.append((protocol, best[0].labels, frozenset(explained(*best)[1])))
        return texts


class Valid(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("nginx", "haproxy"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"no {program} here")

        async def play(peers):
            async with Experiment(peers) as experiment:
                hunt = Hunt(experiment, SEED)
                await hunt.run(COUNT)
                return hunt, await hunt.report(), experiment.books["gatehouse"].strangers

        with all_peers() as peers:
            cls.hunt, cls.reports, cls.strangers = uvloop.run(play(peers))

    def test_what_both_peers_pass_passes_here_or_the_guide_says_why_not(self):
        self.assertEqual(self.reports, [], "\n" + "\n\n".join(self.reports))

    def test_nothing_else_comes_to_the_endpoint(self):
        self.assertEqual(self.strangers, [])

    def test_the_peers_pass_most_of_it(self):
        """Else nothing would be compared."""
        for name in ("nginx", "haproxy"):
            self.assertGreater(self.hunt.passed[name], COUNT * 0.6, name)

    def test_each_reason_is_in_the_guide_and_has_a_case(self):
        _, found, section = GUIDE.read_text().partition(TITLE + "\n")
        self.assertTrue(found, TITLE)
        rows = re.findall(r"^\| (.+?) (?<!\\)\|", section.partition("\n## ")[0], re.MULTILINE)
        self.assertEqual(rows[1:], list(DELIBERATE))  # but for the head of the table
        self.assertEqual(set(self.hunt.titles), set(DELIBERATE))


if __name__ == "__main__":
    main()
