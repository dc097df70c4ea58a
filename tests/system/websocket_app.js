// The same on Node's ws.
const {WebSocketServer} = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env.PORT || 0),
  perMessageDeflate: true,
  handleProtocols: (protocols) => (protocols.has('chat') ? 'chat' : false),
  verifyClient: ({req}, done) => (req.url === '/refused' ? done(false, 403, 'not for you') : done(true)),
});
server.on('listening', () => console.log('listening', server.address().port));
server.on('connection', (socket, request) => {
  if (request.url === '/hello') socket.send('hello, ' + request.headers['x-forwarded-proto']);
  if (request.url === '/close') return socket.close(4001, 'that is all');
  socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary}));
});
