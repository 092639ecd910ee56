// Apple's push service as Node's own HTTP/2 has it: a judge that shares no code with the product.
//
// It is started with one JSON argument and prints one JSON line for the port, then one per thing that happened:
//   {key, certificate, authority: PEM texts
//    plan: {token: [{status, reason, timestamp, retryAfter}, …]}   answers before the token is accepted
//    goawayEvery: n     every n-th push of a session is met by a GOAWAY, 0: none}
// What breaks Apple's rules is a line {event: "violation"}. It ends with its input.
// https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns

import { createSecureServer } from 'node:http2';

const { key, certificate, authority, plan, goawayEvery } = JSON.parse(process.argv[2]);
const ANSWER_AFTER_MS = 5;
const LET_GO_AFTER_MS = 40;

const tell = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const server = createSecureServer({ key, cert: certificate, ca: authority, requestCert: true, rejectUnauthorized: true });
let sessions = 0;

server.on('session', (session) => {
  session.number = ++sessions;
  session.taken = 0;
  session.open = new Map();
  session.answered = 0;
  tell({ event: 'session', session: session.number });
  session.on('error', () => {});
});

server.on('stream', (stream, headers) => {
  const { session } = stream;
  let body = '';
  stream.on('error', () => {});
  stream.setEncoding('utf8');
  stream.on('data', (part) => (body += part));
  stream.on('end', () => take(session, stream, headers, body));
});

function take(session, stream, headers, body) {
  const token = judged(session, headers, body);
  if (session.goingAway) return; // above the last stream: not looked at, as the GOAWAY said
  session.open.set(stream.id, token);
  session.taken += 1;
  if (goawayEvery && session.taken % goawayEvery === 0) goAway(session);
  setTimeout(() => answer(session, stream, token), ANSWER_AFTER_MS);
}

/** Half of what is open is still answered; the rest is above the last stream, and was never looked at. */
function goAway(session) {
  session.goingAway = true;
  const open = [...session.open.keys()].sort((a, b) => a - b);
  const kept = open.slice(0, Math.ceil(open.length / 2));
  const last = kept.at(-1) ?? session.answered;
  for (const stream of open) if (stream > last) session.open.delete(stream);
  tell({ event: 'goaway', session: session.number, open: kept.map((stream) => session.open.get(stream)) });
  session.goaway(0, last);
  setTimeout(() => session.destroy(), LET_GO_AFTER_MS);
}

function answer(session, stream, token) {
  if (!session.open.delete(stream.id)) return;
  session.answered = Math.max(session.answered, stream.id);
  const told = plan[token]?.shift() ?? { status: 200 };
  tell({ event: 'answer', session: session.number, token, status: told.status, reason: told.reason ?? '' });
  if (stream.destroyed || stream.closed) return;
  const retry = told.retryAfter ? { 'retry-after': told.retryAfter } : {};
  stream.respond({ ':status': told.status, 'apns-id': '5C6C1D6C-0000-4000-8000-000000000001', ...retry });
  const { status, retryAfter, ...said } = told;
  stream.end(status === 200 ? undefined : JSON.stringify(said));
}

/** The token; everything that Apple would not take is told. */
function judged(session, headers, body) {
  const wrong = (text) => tell({ event: 'violation', text });
  const holder = session.socket.getPeerCertificate()?.subject ?? {};
  const [, token = ''] = /^\/3\/device\/([0-9a-f]+)$/.exec(headers[':path']) ?? [];
  if (!session.socket.authorized) wrong('no certificate of the authority');
  if (session.alpnProtocol !== 'h2') wrong(`ALPN ${session.alpnProtocol}`);
  if (headers[':method'] !== 'POST' || headers[':scheme'] !== 'https') wrong(`${headers[':method']} ${headers[':scheme']}`);
  if (!token) wrong(`path ${headers[':path']}`);
  if (!holder.UID || headers['apns-topic'] !== holder.UID) wrong(`topic ${headers['apns-topic']} of ${holder.UID}`);
  if (headers['apns-push-type'] !== 'background' || headers['apns-priority'] !== '5') wrong('push type or priority');
  if (body !== '{}') wrong(`body ${body}`);
  if ('authorization' in headers) wrong('a token beside the certificate');
  return token;
}

server.listen(0, '127.0.0.1', () => tell({ event: 'port', port: server.address().port }));
process.stdin.resume().on('end', () => process.exit(0));
