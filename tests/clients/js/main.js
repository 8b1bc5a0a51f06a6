// Runs a frontend of each dialect against a running Causeway. `tests/run` starts both; see causeway.js for what it gives.
'use strict';

const { Checks } = require('./checks');

async function main() {
  const checks = new Checks();
  for (const frontend of ['rooms', 'envelope', 'jobs', 'helpdesk', 'campus']) {
    await require(`./${frontend}`)(checks.named(frontend));
  }
  console.log(checks.summary());
  process.exit(checks.failed === 0 ? 0 : 1);
}

main();
