// A push service that takes every push: at once, so that what is left is what the client costs, or after some
// milliseconds, as one far away does.
import { createSecureServer } from "node:http2";

const { key, certificate, authority, milliseconds } = JSON.parse(process.argv[2]);
// Apple's announces how many pushes it takes at a time; without a number the library in use sends one after the other.
const settings = { maxConcurrentStreams: 1000 };
const server = createSecureServer({ key, cert: certificate, ca: authority, requestCert: true, settings });
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  stream.resume();
  const answer = () => stream.respond({ ":status": 200, "apns-id": headers["apns-id"] ?? "0" }, { endStream: true });
  stream.on("end", () => (milliseconds ? setTimeout(answer, milliseconds) : answer()));
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
