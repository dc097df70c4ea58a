// Drives one page of a Chromium that runs already (argument: its debugging port) as test_status_page.py says: one JSON
// object a line in, one out. What the browser complains about on the way is kept for the command "complaints".
'use strict';

const readline = require('readline');
const {chromium} = require('playwright-core');

const complaints = [];
let page = null;

const commands = {
  async open({browser, url, width, height, scheme, motion}) {
    const context = await browser.newContext({viewport: {width, height}, colorScheme: scheme, reducedMotion: motion ?? 'no-preference'});
    page = await context.newPage();
    page.on('console', message => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(String(error)));
    await page.addInitScript(() => {
      globalThis.violations = [];
      document.addEventListener('securitypolicyviolation', event => globalThis.violations.push(event.violatedDirective));
    });
    await page.goto(url);
  },
  close: () => page.context().close(),
  evaluate: ({script}) => page.evaluate(script),
  wait: ({script, timeout}) => page.waitForFunction(script, null, {timeout, polling: 50}).then(() => true),
  press: ({key}) => page.keyboard.press(key),
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
