// Drives the published client: a request a line comes in, its answer goes out on one line.
//
//   {"api": "JobSecretApi", "method": "listJobSecrets", "args": ["…"]}
//   {"status": 200, "headers": {…}, "data": {…}}   whatever the server answered, errors too
//   {"failure": "…"}                               anything else: the client itself gave up

import { createInterface } from "node:readline";

import * as client from "qovery-typescript-axios";

const { CLIENT_BASE_PATH, CLIENT_ACCESS_TOKEN, CLIENT_API_KEY } = process.env;

const configuration = new client.Configuration({
  basePath: CLIENT_BASE_PATH,
  accessToken: CLIENT_ACCESS_TOKEN,
  apiKey: CLIENT_API_KEY,
});

async function call({ api, method, args }) {
  return new client[api](configuration)[method](...args);
}

async function answer(line) {
  try {
    return told(await call(JSON.parse(line)));
  } catch (error) {
    // The HTTP library throws what is no success, and keeps the server's answer in the error.
    return error.response ? told(error.response) : { failure: String(error) };
  }
}

function told({ status, headers, data }) {
  return { status, headers, data };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
