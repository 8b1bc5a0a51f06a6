// Counts what holds and what does not.
'use strict';

const assert = require('node:assert/strict');

/** The checks of a run. */
class Checks {
  passed = 0;
  failed = 0;

  /** A function that runs one check after another under a common name. */
  named(group) {
    return async (name, body) => {
      try {
        await Promise.race([body(), tooLate()]);
        this.passed += 1;
        console.log(`js ${group}: ${name} ... ok`);
      } catch (error) {
        this.failed += 1;
        console.log(`js ${group}: ${name} ... FAILED\n  ${error.stack}`);
      }
    };
  }

  summary() {
    return `js clients: ${this.passed} passed, ${this.failed} failed`;
  }
}

/** A check that waits for what never comes fails. */
function tooLate() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('it takes too long')), 30_000).unref();
  });
}

/** An object has exactly these keys. */
function keys(object, expected) {
  assert.deepEqual(Object.keys(object).sort(), [...expected].sort());
}

module.exports = { Checks, keys };
