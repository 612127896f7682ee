// The tus-js-client of npm against a running server, through a proxy that cuts every connection after a random number of bytes.
// node check.mjs http://127.0.0.1:8000 TOKEN FILE…   (npm install first)
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import net from "node:net";
import * as tus from "tus-js-client";

const [server, token, ...files] = process.argv.slice(2);
const { hostname, port } = new URL(server);
let cuts = 0;

const proxy = net.createServer((phone) => {
  const upstream = net.connect(Number(port), hostname);
  // Every connection breaks, on the way there or back, somewhere in its first 600 kB.
  let left = Math.floor(Math.random() * 600_000);
  const pass = (from, to) =>
    from.on("data", (piece) => {
      if (piece.length > left) {
        to.write(piece.subarray(0, left));
        cuts += 1;
        phone.destroy();
        upstream.destroy();
        return;
      }
      left -= piece.length;
      to.write(piece);
    });
  pass(phone, upstream);
  pass(upstream, phone);
  for (const [a, b] of [[phone, upstream], [upstream, phone]]) {
    a.on("close", () => b.destroy());
    a.on("error", () => b.destroy());
  }
});
await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));
const endpoint = `http://127.0.0.1:${proxy.address().port}/v1/uploads`;

function upload(file, photo, chunkSize) {
  return new Promise((done, failed) => {
    let retries = 0;
    new tus.Upload(createReadStream(file), {
      endpoint, chunkSize, uploadSize: statSync(file).size,
      headers: { authorization: `Bearer ${token}` },
      metadata: { photo, filename: file, filetype: "image/jpeg" },
      retryDelays: Array(40).fill(50),
      onShouldRetry: () => { retries += 1; return true; },
      onError: failed,
      onSuccess: () => done(retries),
    }).start();
  });
}

let wrong = 0;
for (const file of files) {
  for (const chunkSize of [100_000, 512_000]) {
    const photo = randomUUID();
    const retries = await upload(file, photo, chunkSize);
    const answer = await fetch(`${server}/v1/photos/${photo}`, { headers: { authorization: `Bearer ${token}` } });
    const facts = await answer.json();
    const same = facts.sha256 === createHash("sha256").update(readFileSync(file)).digest("hex");
    wrong += same ? 0 : 1;
    console.log(`${same ? "whole" : "WRONG"} ${facts.bytes} bytes, pieces of ${chunkSize}, ${retries} retries: ${file}`);
  }
}
console.log(`${cuts} connections cut, ${wrong} photographs wrong`);
process.exit(wrong ? 1 : 0);
