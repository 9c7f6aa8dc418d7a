// An OpenID provider for tests: oidc-provider with strict rotation, device codes and revocation.
// Prints its port, answers on loopback, and keeps everything in memory.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer((request, response) => handle(request, response));
let handle;

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const redirects = {
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/v1/oauth/callback'],
  };
  const device = 'urn:ietf:params:oauth:grant-type:device_code';
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: 'public',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', device],
        ...redirects,
      },
      ...['client_secret_basic', 'client_secret_post'].map((method) => ({
        client_id: method,
        client_secret: 's3cret/+ :%',
        token_endpoint_auth_method: method,
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        ...redirects,
      })),
    ],
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
    },
    scopes: ['openid', 'offline_access', 'email', 'api'],
    claims: { openid: ['sub'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount: async (_ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@example.com` }),
    }),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    ttl: { AccessToken: 600, ClientCredentials: 600, DeviceCode: 60 },
    cookies: { keys: ['tests'] },
  });
  handle = provider.callback();
  console.log(port);
});
