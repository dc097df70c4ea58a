// Drives one page of a Chromium that runs already (argument: its debugging port) as test_status_page.py says: one JSON
// object a line in, one out. What the browser complains about on the way is kept for the command "complaints".
'use strict';

const readline = require('readline');
const {chromium} = require('playwright-core');

const PACE = 50;  // ms between looks
let complaints = [];
let page = null;
let session = null;

// Not Playwright's own, which brings code into the page that the page's policy refuses.
async function evaluate(script) {
  const {result, exceptionDetails} = await session.send('Runtime.evaluate', {expression: script, returnByValue: true, awaitPromise: true});
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function wait(script, timeout) {
  const deadline = Date.now() + timeout;
  while (!await evaluate(script)) {
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms`);
    await new Promise(done => setTimeout(done, PACE));
  }
}

const commands = {
  async open({browser, url, width, height, scheme, motion, events, zone, scripts}) {
    const context = await browser.newContext({viewport: {width, height}, colorScheme: scheme, reducedMotion: motion ?? 'no-preference',
                                              timezoneId: zone, javaScriptEnabled: scripts ?? true});
    page = await context.newPage();
    session = await context.newCDPSession(page);
    complaints = [];
    page.on('console', message => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(String(error)));
    await page.addInitScript(() => {
      globalThis.violations = [];
      globalThis.shifts = [];  // what has moved without being asked to
      new PerformanceObserver(list => list.getEntries().forEach(entry => globalThis.shifts.push(entry))).observe({type: 'layout-shift', buffered: true});
      document.addEventListener('securitypolicyviolation', event => globalThis.violations.push(event.violatedDirective));
    });
    if (events) {
      await page.route('**/status/events', route => route.fulfill({contentType: 'text/event-stream', body: events}));
    }
    await page.goto(url);
  },
  close: () => page.context().close(),
  evaluate: ({script}) => evaluate(script),
  wait: ({script, timeout}) => wait(script, timeout),
  press: ({key}) => page.keyboard.press(key),
  type: ({text}) => page.keyboard.type(text),
  screenshot: ({path, full, clip}) => page.screenshot({path, fullPage: full ?? false, clip, caret: 'initial'}).then(() => true),
  complaints: () => complaints,
};

async function main() {
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${process.argv[2]}`);
  for await (const line of readline.createInterface({input: process.stdin})) {
    const {command, ...more} = JSON.parse(line);
    try {
      console.log(JSON.stringify({result: await commands[command]({browser, ...more}) ?? null}));
    } catch (error) {
      console.log(JSON.stringify({error: String(error)}));
    }
  }
  process.exit(0);
}

main().catch(error => {
  console.log(JSON.stringify({error: String(error)}));
  process.exit(1);
});
