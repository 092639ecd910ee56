// A push service that takes every push at once: what is left is what the client costs.
import { createSecureServer } from "node:http2";

const { key, certificate, authority } = JSON.parse(process.argv[2]);
const server = createSecureServer({ key, cert: certificate, ca: authority, requestCert: true });
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  stream.resume();
  stream.on("end", () => {
    stream.respond({ ":status": 200, "apns-id": headers["apns-id"] ?? "0" }, { endStream: true });
  });
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
