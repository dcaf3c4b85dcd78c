// A site of fixed pages on loopback, to prove the examination itself.

import { createServer } from "node:http";
import { once } from "node:events";

/** The policy that Gatepost sends with its pages. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'";

/**
 * Serves `files` (path → text) until `close()`, under the policy of our pages or another one.
 *
 * @param {Record<string, string>} files
 */
export async function serve(files, policy = POLICY) {
  const server = createServer((request, response) => {
    const text = files[new URL(request.url, "http://host").pathname];
    response.statusCode = text === undefined ? 404 : 200;
    response.setHeader("Content-Security-Policy", policy);
    response.setHeader("Content-Type", type(request.url));
    response.end(text ?? "nothing here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

function type(path) {
  if (path.endsWith(".css")) return "text/css; charset=utf-8";
  if (path.endsWith(".js")) return "text/javascript; charset=utf-8";
  return "text/html; charset=utf-8";
}
