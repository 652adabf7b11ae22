// Asks ClickHouse questions, in this process, and prints what it answered and how long
// it took: one line of JSON for each question.
//
//   node ask.mjs questions.json
//
// questions.json: {"setup": [SQL…], "rounds": 5, "questions": [{"name": …, "sql": …}]}
// a line:         {"name": …, "rows": [[…]…], "milliseconds": [… one a round], "peak_bytes": …}
import { readFileSync } from 'node:fs';
import { Session } from 'chdb';

const { setup, rounds, questions } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const session = new Session();
for (const sql of setup) session.query(sql);
for (const { name, sql } of questions) {
  const milliseconds = [];
  let rows = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const answer = session.query(sql, 'JSONCompact');
    milliseconds.push(performance.now() - began);
    rows = JSON.parse(answer).data;
  }
  console.log(JSON.stringify({ name, rows, milliseconds, peak_bytes: process.resourceUsage().maxRSS * 1024 }));
}
session.cleanup();
