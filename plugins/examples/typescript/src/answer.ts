// What the autoresponder says: the file to replace.

import type { CustomerWrote__Output } from './stubs/causeway/plugin/v1/CustomerWrote.js';

/** What to answer, up to 16 384 characters; nothing when empty. When it throws, the host asks again later. */
export async function answer(wrote: CustomerWrote__Output): Promise<string> {
  return `Hello ${wrote.customerName}, we got your “${wrote.text.slice(0, 1_000)}”. A person will read it soon.`;
}
