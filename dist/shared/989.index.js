export const id = 989;
export const ids = [989];
export const modules = {

/***/ 8989:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  nY: () => (/* binding */ cleanUp),
  R7: () => (/* binding */ serverInputs),
  eH: () => (/* binding */ withServer)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/agent/client.js + 2 modules
var client = __webpack_require__(72);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/runner/index.js + 12 modules
var runner = __webpack_require__(5149);
// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./js/ssh/config.js
/** The names under which the generated files know the two machines; nothing from outside stands in argv. */
const SERVER = 'pacs-server';
const JUMP = 'pacs-jump';
/** Files of a connection, relative to its directory, in which every ssh process runs: short socket paths, nothing to quote. */
const files = { config: 'config', knownHosts: 'known_hosts', key: 'key', control: 'control' };
/** Everything that is not said here is off: no agent, no forwarding, no prompt, no host key that was not pinned. */
const COMMON = [
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    `UserKnownHostsFile ${files.knownHosts}`,
    'GlobalKnownHostsFile /dev/null',
    'UpdateHostKeys no',
    'CheckHostIP no',
    'VerifyHostKeyDNS no',
    'CanonicalizeHostname no',
    `IdentityFile ${files.key}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'AddKeysToAgent no',
    'PreferredAuthentications publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'ForwardAgent no',
    'ForwardX11 no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    'Tunnel no',
    'RequestTTY no',
    'EscapeChar none',
    'ConnectTimeout 10',
    'ServerAliveInterval 5',
    'ServerAliveCountMax 3',
    'LogLevel ERROR',
];
/** The ssh_config of a connection. Its values have passed {@link targetSchema}. */
function renderConfig(target) {
    const blocks = [
        ...hostBlock(SERVER, target),
        `  ProxyJump ${target.jump ? JUMP : 'none'}`,
        `  ControlPath ./${files.control}`,
        ...(target.jump ? [...hostBlock(JUMP, target.jump), '  ProxyJump none', '  ControlPath none'] : []),
        'Host *',
        ...COMMON.map((line) => `  ${line}`),
    ];
    return `${blocks.join('\n')}\n`;
}
/** The known_hosts of a connection: each machine by the name that HostKeyAlias gives it. */
function renderKnownHosts(target) {
    const lines = [
        ...target['host-keys'].map((key) => `${SERVER} ${key}`),
        ...(target.jump?.['host-keys'] ?? []).map((key) => `${JUMP} ${key}`),
    ];
    return `${lines.join('\n')}\n`;
}
function hostBlock(alias, { host, port, user }) {
    return [`Host ${alias}`, `  HostName ${host}`, `  Port ${port}`, `  User ${user}`, `  HostKeyAlias ${alias}`];
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ../../node_modules/zod/v4/core/core.js
var core = __webpack_require__(6416);
;// CONCATENATED MODULE: ./js/ssh/target.js


// Narrower than what OpenSSH takes on purpose: nothing that passes here can be an option, a second line of a
// configuration, or mean something to a shell (ProxyJump runs one).
const NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const IPV6 = /^(?=.{2,45}$)[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?$/;
const USER = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;
const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];
const hostSchema = schemas/* string */.YjP()
    .refine((host) => NAME.test(host) || IPV6.test(host), 'is no host name or address (letters, digits, dots and inner hyphens)');
const userSchema = schemas/* string */.YjP().regex(USER, 'is no user name (letters, digits, _, . and -, not first)');
const portSchema = schemas/* number */.aig().int().min(1, 'is no port (1 to 65535)').max(65535, 'is no port (1 to 65535)');
/** A public host key as the server's `/etc/ssh/ssh_host_*_key.pub` holds it; a comment behind it is left out. */
const hostKeySchema = schemas/* string */.YjP().transform((value, context) => {
    const line = value.trim();
    const [type = '', body = '', ...rest] = line.split(/ +/);
    if (KEY_TYPES.includes(body)) {
        context.addIssue('begins with a host name; write the key alone: type and base64, like "ssh-ed25519 AAAA…"');
        return core/* NEVER */.tm;
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    const plain = !/[\u0000-\u001f\u007f]/.test(line) && /^[A-Za-z0-9+/]+={0,2}$/.test(body);
    if (!plain || !KEY_TYPES.includes(type) || keyTypeOf(body) !== type || rest.length > 3) {
        context.addIssue(`is no host key; write type and base64 of one of: ${KEY_TYPES.join(', ')}`);
        return core/* NEVER */.tm;
    }
    return `${type} ${body}`;
});
const hop = {
    host: hostSchema,
    port: portSchema.default(22),
    user: userSchema,
    'host-keys': schemas/* array */.YOg(hostKeySchema).min(1, 'is empty: a server without a pinned host key could be any server'),
};
/** A machine on the way to the server. */
const jumpSchema = schemas/* strictObject */.rej(hop);
/** How a server is reached. */
const targetSchema = schemas/* strictObject */.rej({ ...hop, jump: jumpSchema.optional() });
/** `SHA256:…` of a public key line, as ssh-keygen prints it. */
function fingerprint(publicKey) {
    const body = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
    return `SHA256:${(0,external_node_crypto_.createHash)('sha256').update(body).digest('base64').replace(/=+$/, '')}`;
}
/** The key type that the encoded key itself names: RFC 4253 strings begin with their length. */
function keyTypeOf(base64) {
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length < 4)
        return '';
    return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1');
}

;// CONCATENATED MODULE: ./js/ssh/failures.js



/** Reads what ssh said (OpenSSH 9.2 to 10.x) before it gave up on `target`. */
function explainConnect(said, target) {
    const hop = failedHop(said, target);
    const name = nameOf(hop, target);
    const pinned = hop['host-keys'].map(fingerprint).join(', ');
    const final = (message) => ({ failure: (0,lib/* badInput */.AN)(message), retry: false });
    if (/Host key for .* has changed|REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) {
        const shown = /\b(SHA256:[A-Za-z0-9+/]{43})/.exec(said)?.[1] ?? 'another key';
        return final(`${name} shows the host key ${shown}, pinned is ${pinned}: either the server was set up anew, then put its new key ` +
            'into the environments file, or someone stands between; nothing was sent');
    }
    const unknown = /No (\S+) host key is known for/.exec(said);
    if (unknown || /Host key verification failed/.test(said)) {
        return final(`the host key of ${name} is not known${unknown ? ` (it shows a key of type ${unknown[1]})` : ''}, pinned is ${pinned}: ` +
            'read it on the server from /etc/ssh/ssh_host_ed25519_key.pub and put it into the environments file');
    }
    if (/Permission denied|Too many authentication failures/.test(said)) {
        return final(`${name} refused the SSH key for user ${hop.user}: is this the key of this environment, and is its public half ` +
            'among the authorized keys there? (not tried again: repeated refusals get an address blocked)');
    }
    if (/no matching (?:host key type|key exchange method|cipher|MAC)/.test(said)) {
        return final(`${name} and this ssh have no algorithm in common (${lastLine(said)}): update the older side`);
    }
    return {
        failure: new lib/* Failure */.HR('unreachable', `${name} cannot be reached: ${lastLine(said) || 'ssh ended without a word'}`),
        retry: true,
    };
}
/** Reads how a session ended that was to run the agent's end; undefined when it simply ended. */
function explainSession(code, said, target) {
    const name = nameOf(target, target);
    if (code === 127 || code === 126 || /pacs-agent: (?:command )?not found/.test(said)) {
        return (0,lib/* badInput */.AN)(`${name} has no pacs-agent: set the server up with deployment/production/scripts/setup-production.sh first`);
    }
    if (/administratively prohibited|Session open refused by peer/.test(said)) {
        return new lib/* Failure */.HR('unreachable', `${name} opens no more sessions (${lastLine(said)}): is MaxSessions of its sshd 0?`);
    }
    // 255 is ssh's own: the connection broke, and what the agent does meanwhile is not known from here.
    if (code === 0 || code === 255 || code === null)
        return undefined;
    return new lib/* Failure */.HR('unreachable', `pacs-agent on ${name} ended with ${code}: ${lastLine(said) || 'no message'}`);
}
/** Reads how a stream to `port` of the server ended that was to reach it; undefined when it simply ended. */
function explainForward(said, port, target) {
    // The client of a shared connection is not told which of the two it was.
    if (!/Session open refused by peer|stdio forwarding failed|administratively prohibited/.test(said))
        return undefined;
    return new lib/* Failure */.HR('unreachable', `127.0.0.1:${port} on ${nameOf(target, target)} cannot be reached: either nothing listens there, or the sshd there ` +
        `does not permit it to this key (permitopen="127.0.0.1:${port}", set by setup-production.sh)`);
}
/** The machine that ssh speaks of: a jump host's failure is followed by the broken pipe that the server's connection was to go through. */
function failedHop(said, target) {
    const { jump } = target;
    if (!jump)
        return target;
    const brokenPipe = /UNKNOWN port 65535|Connection closed by remote host|stdio forwarding failed/.test(said);
    const direct = said.includes(JUMP) || brokenPipe;
    // The jump host is fine when it was the one that could not open the way on.
    return direct && !/stdio forwarding failed|open failed: connect failed/.test(said) ? jump : target;
}
function nameOf(hop, target) {
    const address = hop.port === 22 ? hop.host : `${hop.host.includes(':') ? `[${hop.host}]` : hop.host}:${hop.port}`;
    return hop === target.jump ? `jump host ${address}` : address;
}
function lastLine(said) {
    const lines = said.split(/\r?\n/).filter((line) => line.trim() !== '');
    return (lines.find((line) => /ssh: |connect to host|resolve|open failed/i.test(line)) ?? lines.at(-1) ?? '')
        .trim()
        .slice(0, 300);
}

;// CONCATENATED MODULE: ./js/ssh/private-key.js

const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\n$/;
const PEM = /^-----BEGIN (?:RSA |EC |)PRIVATE KEY-----\n[\s\S]+\n-----END (?:RSA |EC |)PRIVATE KEY-----\n$/;
const MAGIC = 'openssh-key-v1\0';
/**
 * The text of a private key as ssh wants it: line ends of Unix and one at the end, which a pasted secret often lacks.
 * @throws Failure `bad-input` that names `name` and says what is wrong, never what the key is.
 */
function normalizePrivateKey(name, text) {
    const key = `${text.replaceAll('\r\n', '\n').trim()}\n`;
    if (key.trim() === '')
        throw (0,lib/* badInput */.AN)(`${name} is empty: is the secret set in this environment?`);
    if (key.startsWith('PuTTY-User-Key-File')) {
        throw (0,lib/* badInput */.AN)(`${name} is a key of PuTTY: convert it with puttygen -O private-openssh`);
    }
    if (/^(?:ssh-|ecdsa-|sk-)/.test(key)) {
        throw (0,lib/* badInput */.AN)(`${name} is a public key: the private one is the file without .pub`);
    }
    if (/^-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/m.test(key) || cipherOf(key) === 'encrypted') {
        throw (0,lib/* badInput */.AN)(`${name} has a passphrase, which nobody can type in a job: make a key for this purpose with ssh-keygen -t ed25519 -N ''`);
    }
    if (cipherOf(key) !== 'none' && !PEM.test(key)) {
        throw (0,lib/* badInput */.AN)(`${name} is no private key that OpenSSH reads: it begins with "-----BEGIN OPENSSH PRIVATE KEY-----", ` +
            'has its line breaks, and ends with the END line (was it cut when it was pasted?)');
    }
    return key;
}
/** What an OpenSSH key file says of its encryption (PROTOCOL.key: magic, then the name of the cipher). */
function cipherOf(key) {
    const bytes = Buffer.from(OPENSSH.exec(key)?.[1] ?? '', 'base64');
    if (!bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)) || bytes.length < MAGIC.length + 8)
        return undefined;
    const length = bytes.readUInt32BE(MAGIC.length);
    const cipher = bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + length).toString('latin1');
    return cipher === 'none' ? 'none' : 'encrypted';
}

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./js/ssh/session.js

/** What is kept of a child's complaints: the end of an endless banner is enough. */
const MAX_SAID = 16 * 1024;
/**
 * A child's standard output and input as one stream. It ends when the child has ended, so that a reader learns why before
 * it takes the silence for an answer.
 */
class ChildStream extends external_node_stream_.Duplex {
    #child;
    constructor(child, explain) {
        // The child ends both directions at once.
        super({ allowHalfOpen: false });
        this.#child = child;
        const said = collect(child.stderr);
        child.stdout.on('data', (chunk) => {
            if (!this.push(chunk))
                child.stdout.pause();
        });
        child.stdin.on('error', () => {
            // Told by the child's end.
        });
        child.on('error', (thrown) => this.destroy(thrown));
        child.on('close', (code) => {
            const failure = explain(code, said());
            if (failure)
                this.destroy(failure);
            else
                this.push(null);
        });
    }
    _read() {
        this.#child.stdout.resume();
    }
    _write(chunk, _encoding, done) {
        // A child that is gone reports itself by `close`, with its reason.
        this.#child.stdin.write(chunk, () => done());
    }
    _final(done) {
        // Node never calls back from the end of a pipe whose reader is gone.
        this.#child.stdin.end();
        done();
    }
    _destroy(thrown, done) {
        this.#child.kill();
        done(thrown);
    }
}
/** Collects the text of a stream; the returned function tells it. */
function collect(stream) {
    let said = '';
    stream.on('data', (chunk) => {
        said = (said + chunk.toString()).slice(-MAX_SAID);
    });
    return () => said;
}

;// CONCATENATED MODULE: ./js/ssh/connection.js











/** The one command that is ever asked of a server; the key line there forces it anyway. */
const REMOTE_COMMAND = ['pacs-agent', 'ssh'];
/** Pauses in milliseconds before another attempt to connect; refusals are never tried again. */
const PAUSES_MS = [1000, 2000, 4000];
/** Milliseconds for one attempt, from the first packet to the accepted key. */
const OPEN_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 2000;
/**
 * Connects to a server with pinned host keys.
 * @throws Failure `bad-input` (key, host key, refused key) or `unreachable` (after 4 attempts), one line each; nothing is left behind.
 */
async function openConnection(options) {
    const target = parseTarget(options.target);
    const key = normalizePrivateKey('the SSH key', options.key);
    const connection = new OpenSsh(target, options);
    try {
        await connection.prepare(key);
        await connection.connect();
        return connection;
    }
    catch (thrown) {
        await connection.close();
        throw thrown;
    }
}
/** Ends a connection whose process was killed, from its directory alone, and removes it. */
async function closeConnection(directory, env) {
    const exit = ['-F', files.config, '-O', 'exit', '--', SERVER];
    await (0,lib/* tryRun */.JR)('ssh', exit, { cwd: directory, env, timeout: CLOSE_LIMIT_MS }).catch(() => undefined);
    await (0,promises_.rm)(directory, { recursive: true, force: true });
}
class OpenSsh {
    #target;
    #options;
    #master;
    #connecting;
    #closed = false;
    #sessions = new Set();
    keyFingerprint = '';
    constructor(target, options) {
        this.#target = target;
        this.#options = options;
    }
    async prepare(key) {
        const { directory } = this.#options;
        await (0,promises_.mkdir)(directory, { mode: 0o700 });
        await this.#write(files.key, key);
        await this.#write(files.config, renderConfig(this.#target));
        await this.#write(files.knownHosts, renderKnownHosts(this.#target));
        const { env } = this.#options;
        const derived = await (0,lib/* tryRun */.JR)('ssh-keygen', ['-y', '-P', '', '-f', files.key], { cwd: directory, env });
        if (derived.code !== 0)
            throw (0,lib/* badInput */.AN)(`the SSH key is not readable: ${derived.stderr.split('\n').at(-1)}`);
        this.keyFingerprint = fingerprint(derived.stdout);
    }
    connect() {
        this.#connecting ??= this.#connectPatiently().finally(() => {
            this.#connecting = undefined;
        });
        return this.#connecting;
    }
    duplex() {
        return this.#open(['-T', '--', SERVER, ...REMOTE_COMMAND], (code, said) => explainSession(code, said, this.#target));
    }
    forward(port) {
        return this.#open(['-W', `127.0.0.1:${port}`, '--', SERVER], (_code, said) => explainForward(said, port, this.#target));
    }
    async #open(args, explain) {
        if (this.#closed)
            throw new lib/* Failure */.HR('unreachable', 'the SSH connection was closed');
        if (this.#master?.exitCode !== null || this.#master.signalCode !== null)
            await this.connect();
        const stream = new ChildStream(this.#spawn(args), explain);
        this.#sessions.add(stream);
        stream.once('close', () => this.#sessions.delete(stream));
        return stream;
    }
    async close() {
        if (this.#closed)
            return;
        this.#closed = true;
        for (const session of this.#sessions)
            session.destroy();
        const master = this.#master;
        const ended = master && master.exitCode === null && master.signalCode === null ? (0,external_node_events_.once)(master, 'exit') : undefined;
        await closeConnection(this.#options.directory, this.#options.env);
        if (!ended)
            return;
        await Promise.race([ended, (0,external_node_timers_promises_.setTimeout)(CLOSE_LIMIT_MS, undefined, { ref: false })]);
        master?.kill('SIGKILL');
    }
    async #connectPatiently() {
        const { signal, log } = this.#options;
        for (const pause of [...PAUSES_MS, undefined]) {
            signal?.throwIfAborted();
            const refusal = await this.#attempt();
            if (!refusal)
                return;
            if (!refusal.retry)
                throw refusal.failure;
            if (pause === undefined) {
                const attempts = PAUSES_MS.length + 1;
                throw new lib/* Failure */.HR('unreachable', `${refusal.failure.message} (tried ${attempts} times)`);
            }
            log?.(`${refusal.failure.message}; next attempt in ${pause / 1000} s`);
            await (0,external_node_timers_promises_.setTimeout)(pause, undefined, signal ? { signal } : {});
        }
    }
    async #attempt() {
        const control = (0,external_node_path_.join)(this.#options.directory, files.control);
        await (0,promises_.rm)(control, { force: true });
        const master = this.#spawn(['-N', '-M', '-o', 'ControlPersist=no', '--', SERVER]);
        this.#master = master;
        const said = collect(master.stderr);
        const stop = new AbortController();
        const ended = (0,external_node_events_.once)(master, 'close').catch((thrown) => Promise.reject(new lib/* Failure */.HR('error', missing(thrown))));
        try {
            const opened = await Promise.race([
                ended.then(() => false),
                exists(control, stop.signal),
                (0,external_node_timers_promises_.setTimeout)(OPEN_LIMIT_MS, undefined, { signal: stop.signal }),
                aborted(this.#options.signal, stop.signal),
            ]);
            if (opened === true)
                return undefined;
            if (opened === undefined)
                master.kill('SIGKILL');
            return explainConnect(opened === undefined ? `no accepted key after ${OPEN_LIMIT_MS / 1000} s` : said(), this.#target);
        }
        finally {
            stop.abort();
            ended.catch(() => undefined);
        }
    }
    // src/lib runs children to their end; these are streams that live on.
    #spawn(args) {
        const { directory, env } = this.#options;
        return (0,external_node_child_process_.spawn)('ssh', ['-F', files.config, ...args], { cwd: directory, env: { ...env }, stdio: 'pipe' });
    }
    #write(name, content) {
        return (0,promises_.writeFile)((0,external_node_path_.join)(this.#options.directory, name), content, { mode: 0o600, flag: 'wx' });
    }
}
function parseTarget(value) {
    const parsed = targetSchema.safeParse(value);
    if (parsed.success)
        return parsed.data;
    throw (0,lib/* badInput */.AN)(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}
function missing(thrown) {
    return `ssh could not be started (${(0,lib/* messageOf */.bD)(thrown)}): install the OpenSSH client on this machine`;
}
const POLL_MS = 20;
/** True once `path` exists; ssh makes the control socket when the server has accepted the key. */
async function exists(path, stop) {
    while (!stop.aborted) {
        try {
            await (0,promises_.access)(path);
            return true;
        }
        catch {
            await (0,external_node_timers_promises_.setTimeout)(POLL_MS);
        }
    }
    return false;
}
function aborted(signal, stop) {
    return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop });
    });
}

// EXTERNAL MODULE: ../../node_modules/yaml/dist/index.js
var dist = __webpack_require__(3483);
;// CONCATENATED MODULE: ./js/ssh/environments.js




const environmentNameSchema = schemas/* string */.YjP()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'is no environment name (letters, digits, - and _)');
const publicUrlSchema = schemas/* string */.YjP()
    .refine((text) => URL.canParse(text) && /^https:$/.test(new URL(text).protocol) && !new URL(text).username, 'is no public URL (https://host, without user and password)');
const environmentSchema = targetSchema.extend({ 'public-url': publicUrlSchema });
const environmentsSchema = schemas/* record */.g1P(environmentNameSchema, environmentSchema);
/**
 * Reads the environments file.
 * @throws Failure `bad-input` with every mistake, each with file and line.
 */
function parseEnvironments(file, text) {
    const lines = new dist/* LineCounter */.HN();
    const document = (0,dist/* parseDocument */.Tp)(text, { lineCounter: lines });
    const problems = new lib/* Problems */.Zw();
    for (const { pos, message } of document.errors) {
        problems.add(`${file}:${lines.linePos(pos[0]).line}: ${message.split('\n')[0]}`);
    }
    problems.throwIfAny();
    const value = document.toJS({ maxAliasCount: 0 });
    const parsed = environmentsSchema.safeParse(value);
    if (!parsed.success) {
        for (const issue of parsed.error.issues) {
            const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
            for (const path of unknown.length > 0 ? unknown.map((key) => [...issue.path, key]) : [issue.path]) {
                const message = unknown.length > 0 ? `is not known; known are ${known(path)}` : messageOf(issue);
                problems.add(`${file}:${lineOf(path)}: ${path.join('.') || 'the file'} ${message}`);
            }
        }
        problems.throwIfAny();
        throw (0,lib/* badInput */.AN)(`${file} is no environments file`);
    }
    if (Object.keys(parsed.data).length === 0)
        throw (0,lib/* badInput */.AN)(`${file} names no environment`);
    return Object.entries(parsed.data).map(([name, { 'public-url': publicUrl, ...target }]) => ({
        name,
        target,
        publicUrl,
    }));
    /** The line of the value at `path`, or of the nearest mapping around what is missing. */
    function lineOf(path) {
        for (let length = path.length; length > 0; length--) {
            const node = document.getIn(path.slice(0, length), true);
            const range = schemas/* object */.Ikc({ range: schemas/* array */.YOg(schemas/* number */.aig()) }).safeParse(node);
            if (range.success)
                return lines.linePos(range.data.range[0] ?? 0).line;
        }
        return 1;
    }
}
/**
 * The environment called `name`.
 * @throws Failure `bad-input` that names the known ones.
 */
function findEnvironment(file, environments, name) {
    const found = environments.find((environment) => environment.name === name);
    if (found)
        return found;
    throw (0,lib/* badInput */.AN)(`${file} has no environment "${name}"; it has ${environments.map((each) => each.name).join(', ')}`);
}
function messageOf(issue) {
    // zod leaves the value out of its issues, since it could be a secret: only the message tells what came.
    if (issue.code === 'invalid_type') {
        return issue.message.endsWith('received undefined') ? 'is missing' : `is no ${issue.expected}`;
    }
    if (issue.code === 'invalid_key')
        return issue.issues[0]?.message ?? 'is no name';
    return issue.message;
}
function known(path) {
    const keys = Object.keys(environmentSchema.shape);
    return (path.at(-2) === 'jump' ? keys.filter((key) => key !== 'jump' && key !== 'public-url') : keys).join(', ');
}

// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
;// CONCATENATED MODULE: ./js/ssh/tunnel.js





/** sockaddr_un holds 108 bytes, the last of them zero. */
const MAX_SOCKET_PATH = 107;
/**
 * Opens a tunnel to `port` on the loopback of the server: a socket in `directory` (0700, this user's alone), each connection
 * to which is a channel of `connection`. A connection that broke is made anew for the next one, so that a client which
 * connects again goes on. Nothing is asked of the other end here: a tunnel is open once the database has answered through it.
 */
async function openTunnel(connection, { port, directory }) {
    const socket = (0,external_node_path_.join)(directory, 'tunnel.sock');
    if (Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
        throw (0,lib/* badInput */.AN)(`${directory} is too long a path for a socket: give the runner a shorter RUNNER_TEMP`);
    }
    const clients = new Set();
    let failure;
    function remember(thrown) {
        if (thrown instanceof lib/* Failure */.HR)
            failure = thrown;
    }
    async function relay(client) {
        clients.add(client);
        client.once('close', () => clients.delete(client));
        client.on('error', () => undefined);
        try {
            const stream = await connection.forward(port);
            stream.once('data', () => {
                failure = undefined;
            });
            stream.on('error', remember);
            await (0,external_node_stream_promises_.pipeline)(client, stream, client);
        }
        catch (thrown) {
            remember(thrown);
            client.destroy();
        }
    }
    const server = (0,external_node_net_.createServer)({ allowHalfOpen: true }, (client) => void relay(client));
    server.listen(socket);
    try {
        await (0,external_node_events_.once)(server, 'listening');
    }
    catch (thrown) {
        throw new lib/* Failure */.HR('error', `no socket can be made in ${directory}: ${(0,lib/* messageOf */.bD)(thrown)}`);
    }
    return {
        socket,
        get failure() {
            return failure;
        },
        async close() {
            const closed = new Promise((resolve) => server.close(() => resolve()));
            for (const client of clients)
                client.destroy();
            await closed;
        },
    };
}

;// CONCATENATED MODULE: ./js/ssh/index.js






;// CONCATENATED MODULE: ./js/actions/server.js






const environmentName = (0,runner/* matching */.wC)(environmentNameSchema);
const privateKey = normalizePrivateKey;
/** The inputs of every action that speaks with a server. */
const serverInputs = {
    environment: ((name, value) => {
        if (value === '')
            throw (0,lib/* badInput */.AN)(`${name} is missing: name one of the environments file`);
        return environmentName(name, value);
    }),
    'environments-file': runner/* path */.Ae,
    'ssh-key': (0,runner/* secret */.rJ)(privateKey),
};
/** Speaks with the agent of an environment for as long as `work` takes; the connection is closed whatever happens. */
async function withServer(inputs, job, work) {
    const environment = await readEnvironment(inputs);
    job.report.rows.push(['environment', `${environment.name} (${environment.target.host})`]);
    const directory = await (0,runner/* makePrivateDirectory */.Dn)();
    const connection = await openConnection({
        target: environment.target,
        key: inputs['ssh-key'],
        directory: (0,external_node_path_.join)(directory, 'ssh'),
        env: (0,runner/* childEnvironment */.Qc)(),
        log: runner/* log */.Rm.foreign,
        signal: job.signal,
    });
    const agent = (0,client/* openAgent */.QY)(() => connection.duplex());
    const tunnels = [];
    const tunnel = async (port) => {
        const opened = await openTunnel(connection, { port, directory });
        tunnels.push(opened);
        return opened;
    };
    try {
        runner/* log */.Rm.info(`connected to ${environment.target.host} with the key whose public half is ${connection.keyFingerprint}`);
        return await work({ environment, agent, tunnel });
    }
    finally {
        agent.close();
        for (const opened of tunnels)
            await opened.close();
        await connection.close();
        await (0,runner/* removeDirectory */.q)(directory);
    }
}
/** The post step of every action with private files: ends and removes what a killed main step left. */
function cleanUp() {
    return (0,runner/* runPost */.a2)(async () => {
        const directory = (0,runner/* leftDirectory */.L_)();
        if (directory === undefined)
            return;
        await closeConnection((0,external_node_path_.join)(directory, 'ssh'), (0,runner/* childEnvironment */.Qc)());
        await (0,runner/* removeDirectory */.q)(directory);
    });
}
async function readEnvironment(inputs) {
    const file = inputs['environments-file'];
    const found = await (0,promises_.readFile)((0,external_node_path_.resolve)((0,runner/* jobContext */.Rl)().workspace, file), 'utf8').catch(() => undefined);
    if (found === undefined) {
        throw (0,lib/* badInput */.AN)(`${file} cannot be read: does the job check the repository out, and is it the input environments-file?`);
    }
    return findEnvironment(file, parseEnvironments(file, found), inputs.environment);
}


/***/ }),

/***/ 72:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  QY: () => (/* binding */ openAgent),
  EI: () => (/* binding */ reportOf),
  Zk: () => (/* reexport */ throughSchema),
  Bh: () => (/* reexport */ verifiableSchema)
});

// UNUSED EXPORTS: openSocket

// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ../../node_modules/hono/dist/client/index.js + 5 modules
var client = __webpack_require__(1225);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
;// CONCATENATED MODULE: ./js/agent/api/duplex-http.js




/** The stream ended before its answer was whole. Whether the request arrived is not known. */
class Cut extends Error {
    name = 'Cut';
}
/** What node calls on a socket that it keeps for the next request; an SSH session has none of it. */
const nothingToTune = { setKeepAlive() { }, setTimeout() { }, ref() { }, unref() { } };
/** Keeps streams that are no sockets for the next request: an SSH session costs 130 ms. */
class DuplexAgent extends external_node_http_.Agent {
    #connect;
    constructor(connect) {
        super({ keepAlive: true });
        this.#connect = connect;
    }
    createConnection(_options, callback) {
        // The type says that a stream comes with every call; node reads it only when there is no error.
        const settle = callback;
        Promise.resolve()
            .then(() => this.#connect())
            .then((stream) => settle?.(null, stream instanceof external_node_net_.Socket ? stream : Object.assign(stream, nothingToTune)), (thrown) => settle?.(unreachable(thrown)));
    }
}
/**
 * A `fetch` over streams that `connect` opens; they are used again until `close`. It throws Failure `unreachable` when no
 * stream could be opened or no HTTP came back, and {@link Cut} when the stream broke off.
 */
function duplexHttp(connect) {
    const agent = new DuplexAgent(connect);
    return {
        fetch: (input, init = {}) => new Promise((resolve, reject) => {
            const { pathname, search } = new URL(typeof input === 'object' && 'url' in input ? input.url : input);
            const headers = plainHeaders(init.headers ?? {});
            const outgoing = (0,external_node_http_.request)({ agent, method: init.method ?? 'GET', path: `${pathname}${search}`, headers });
            outgoing.on('response', (incoming) => {
                const type = incoming.headers['content-type'] ?? '';
                const options = { status: incoming.statusCode ?? 500, headers: { 'content-type': type } };
                resolve(new Response(external_node_stream_.Readable.toWeb(incoming), options));
            });
            outgoing.on('error', (thrown) => reject(judge(thrown)));
            init.signal?.addEventListener('abort', () => outgoing.destroy(), { once: true });
            outgoing.end(init.body ?? '');
        }),
        close: () => agent.destroy(),
    };
}
/** Without naming `Headers` or `Request`: what Node loads for them takes 35 ms, which only an answer is worth. */
function plainHeaders(headers) {
    return Object.fromEntries(Symbol.iterator in headers ? headers : Object.entries(headers));
}
function judge(thrown) {
    if (thrown instanceof lib/* Failure */.HR)
        return thrown;
    if (String(thrown.code).startsWith('HPE_')) {
        return new lib/* Failure */.HR('unreachable', `what answers is no pacs-agent: it speaks no HTTP (${thrown.message})`);
    }
    return new Cut(thrown.message, { cause: thrown });
}
function unreachable(thrown) {
    if (thrown instanceof lib/* Failure */.HR)
        return thrown;
    return new lib/* Failure */.HR('unreachable', `the agent could not be reached: ${(0,lib/* messageOf */.bD)(thrown)}`, { cause: thrown });
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var release = __webpack_require__(8880);
;// CONCATENATED MODULE: ./js/agent/protocol.js
// What goes over the agent's socket, shared by both sides. Objects are loose where the other side may be newer: unknown fields are ignored.


/** Chosen by the client, so that asking twice is asking once. */
const transactionIdSchema = schemas/* string */.YjP()
    .regex(/^[a-z0-9][a-z0-9-]{7,63}$/, 'is no transaction id (8 to 64 lower-case letters, digits and -)');
/** A registry login that lives as long as the transaction. */
const registryLogin = schemas/* object */.Ikc({ server: schemas/* string */.YjP(), username: schemas/* string */.YjP(), password: schemas/* string */.YjP() });
const requester = {
    /** Who asked, as the client claims; the audit records the proven SSH key beside it. */
    actor: schemas/* string */.YjP().min(1).max(200),
    /** Where to read more, for example the URL of a workflow run. */
    run: schemas/* string */.YjP().max(300).default(''),
    registry: registryLogin.optional(),
};
const watching = {
    /** Milliseconds for which both releases are watched before the seal. */
    watch: schemas/* number */.aig().int().min(0).max(3_600_000).default(60_000),
    /** Milliseconds for which a trouble that both releases share is waited out. */
    hold: schemas/* number */.aig().int().min(0).max(3_600_000).default(300_000),
    /** Milliseconds for which the previous release keeps running after the seal. */
    keepWarm: schemas/* number */.aig().int().min(0).max(86_400_000).default(600_000),
};
const absolutePath = schemas/* string */.YjP().startsWith('/', 'must be an absolute path on the server');
/** What is restored; directories lie on the server. */
const restoreTargetSchema = schemas/* discriminatedUnion */.gMt('kind', [
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('database') }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('collection'), collection: schemas/* string */.YjP().min(1) }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('study'),
        study: schemas/* string */.YjP().regex(/^[0-9.]{1,64}$/, 'is no StudyInstanceUID'),
        directory: absolutePath,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('everything'), directory: absolutePath }),
]);
/** How a backup is named. */
const BACKUP = /^(newest|\d{8}t\d{6}z-[0-9a-f]{8})$/;
/** Which backup is verified: `newest`, `random`, or the id of one. */
const verifiableSchema = schemas/* string */.YjP()
    .regex(/^(newest|random|\d{8}t\d{6}z-[0-9a-f]{8})$/, 'is neither newest, random nor the id of a backup');
/** How far a verification goes: L0 and L1 look at the repository, L2 and above restore. */
const throughSchema = schemas/* enum */.k5n(['L1', 'L2', 'L3', 'L4', 'L5', 'L6'], 'is none of L1 to L6');
const requestSchema = schemas/* discriminatedUnion */.gMt('kind', [
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('deploy'),
        release: schemas/* string */.YjP(),
        allowCore: schemas/* boolean */.zMY().default(false),
        ...watching,
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('rollback'),
        /** The release to go back to; the previous one when absent. */
        to: release/* releaseIdSchema */.yU.optional(),
        /** The config revision that ran with it, or the current one. */
        config: schemas/* enum */.k5n(['its-own', 'current']).default('its-own'),
        reason: schemas/* string */.YjP().min(1).max(500),
        ...watching,
        ...requester,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('core'), release: schemas/* string */.YjP(), allowCore: schemas/* boolean */.zMY().default(false), ...requester }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('migrate'),
        release: schemas/* string */.YjP(),
        /** expand is run by the requester through its tunnel, while this transaction holds the lock; data and contract run here. */
        phase: release/* migrationPhaseSchema */.JO,
        /** What it may do to the core that must come first. */
        allowCore: schemas/* boolean */.zMY().default(false),
        /** Only looks: no backup is taken, and the requester writes nothing. */
        plan: schemas/* boolean */.zMY().default(false),
        /** Why this runs without a fresh backup; the journal keeps it. */
        noBackup: schemas/* string */.YjP().min(1).max(500).optional(),
        /** Why this is done now; the journal keeps it. */
        reason: schemas/* string */.YjP().min(1).max(500).optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('undo'),
        /** The last migration that stays applied; null undoes all. */
        to: schemas/* string */.YjP().min(1).max(200).nullable(),
        /** The release that has the migrations; what serves when absent. */
        of: release/* releaseIdSchema */.yU.optional(),
        reason: schemas/* string */.YjP().min(1).max(500),
        /** Documents that were edited since, like `reports "r7"`, or a whole collection by its name: kept as they are now, … */
        keep: schemas/* array */.YOg(schemas/* string */.YjP()).default([]),
        /** … or put back as they were. */
        restore: schemas/* array */.YOg(schemas/* string */.YjP()).default([]),
        noBackup: schemas/* string */.YjP().min(1).max(500).optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('mark'),
        /** A migration of which nothing but a person can tell whether it is done. */
        migration: schemas/* string */.YjP().min(1).max(200),
        as: schemas/* enum */.k5n(['applied', 'pending'], 'is neither applied nor pending'),
        /** The release that has the migration; what serves when absent. */
        of: release/* releaseIdSchema */.yU.optional(),
        /** How it was found out; the ledger's history keeps it. */
        reason: schemas/* string */.YjP().min(10, 'must say in at least 10 characters how you found out').max(500),
        ...requester,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('backup'), ...requester }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('verify'),
        backup: verifiableSchema.default('newest'),
        repository: schemas/* enum */.k5n(['first', 'second']).default('first'),
        through: throughSchema.default('L6'),
        /** Milliseconds that the backup may be old; where it is absent 26 hours for the newest one, and any age for another. */
        maxAge: schemas/* number */.aig().int().positive().optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('restore'),
        backup: schemas/* string */.YjP().regex(BACKUP, 'is neither newest nor the id of a backup').default('newest'),
        target: restoreTargetSchema,
        /** Only says what it would do. */
        plan: schemas/* boolean */.zMY().default(false),
        /** The name that a person typed, where something is replaced. */
        typed: schemas/* string */.YjP().optional(),
        ...requester,
    }),
]);
const ids = schemas/* array */.YOg(schemas/* string */.YjP());
/** Ids of migrations by phase. */
const pendingSchema = schemas/* object */.Ikc({ expand: ids, data: ids, contract: ids });
const outcomeSchema = schemas/* enum */.k5n([
    'deployed',
    'unchanged',
    'done',
    'refused',
    'unhealthy',
    'rolled-back',
    'failed',
    'locked',
    'bad-input',
]);
/** What a verification found, as its requester sees it; findings are cut to a length that a person reads. */
const verificationViewSchema = schemas/* object */.Ikc({
    backup: schemas/* string */.YjP(),
    repository: schemas/* string */.YjP(),
    startedAt: schemas/* string */.YjP(),
    finishedAt: schemas/* string */.YjP(),
    outcome: schemas/* enum */.k5n(['passed', 'failed']),
    holds: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* number */.aig()),
    /** Documents, files and keys that did not come back as they were; null where nobody could count. */
    lost: schemas/* number */.aig().nullable(),
    levels: schemas/* array */.YOg(schemas/* object */.Ikc({
        level: schemas/* string */.YjP(),
        proves: schemas/* string */.YjP(),
        outcome: schemas/* enum */.k5n(['passed', 'failed', 'skipped']),
        checked: schemas/* number */.aig(),
        lost: schemas/* number */.aig(),
        /** How many findings there are; `findings` has the first. */
        found: schemas/* number */.aig(),
        findings: schemas/* array */.YOg(schemas/* string */.YjP()),
        seconds: schemas/* number */.aig(),
    })),
});
const resultSchema = schemas/* object */.Ikc({
    outcome: outcomeSchema,
    /** One line: what happened, why, what to do. */
    message: schemas/* string */.YjP(),
    /** More for a person to read, as Markdown. */
    details: schemas/* string */.YjP().optional(),
    verification: verificationViewSchema.optional(),
    direction: schemas/* enum */.k5n(['forward', 'back']).optional(),
    /** A refused deploy fits once the core was brought up: ask for `core`, then for the deploy again. */
    coreFirst: schemas/* boolean */.zMY().optional(),
    /** The ids of the release's migrations that are still to be applied, by phase; of a migration only. */
    pending: pendingSchema.optional(),
    /** The release that serves now; null when nothing does. */
    serving: release/* releaseIdSchema */.yU.nullable(),
    /** What served before this transaction. */
    previous: release/* releaseIdSchema */.yU.nullable(),
});
/** A line of the journal, and what followers see. `seq` counts from 1 in each transaction, `at` is ISO 8601. */
const eventSchema = schemas/* discriminatedUnion */.gMt('type', [
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('step'), step: schemas/* string */.YjP(), message: schemas/* string */.YjP() }),
    schemas/* object */.Ikc({
        seq: schemas/* number */.aig().int(),
        at: schemas/* string */.YjP(),
        type: schemas/* literal */.euz('progress'),
        step: schemas/* string */.YjP(),
        message: schemas/* string */.YjP(),
    }),
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('note'), message: schemas/* string */.YjP() }),
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('result'), result: resultSchema }),
]);
const instanceView = schemas/* object */.Ikc({
    instance: schemas/* string */.YjP(),
    release: release/* releaseIdSchema */.yU,
    config: schemas/* string */.YjP(),
    content: release/* digestSchema */.er,
});
const statusSchema = schemas/* object */.Ikc({
    agent: schemas/* object */.Ikc({ version: schemas/* string */.YjP(), sha256: release/* digestSchema */.er, node: schemas/* string */.YjP(), engine: schemas/* string */.YjP() }),
    phase: schemas/* enum */.k5n(['idle', 'staging', 'switched']),
    transaction: schemas/* object */.Ikc({ id: schemas/* string */.YjP(), kind: schemas/* string */.YjP(), actor: schemas/* string */.YjP(), since: schemas/* string */.YjP(), step: schemas/* string */.YjP() })
        .nullable(),
    serving: instanceView.nullable(),
    candidate: instanceView.nullable(),
    warm: instanceView.extend({ until: schemas/* string */.YjP() }).nullable(),
    last: schemas/* object */.Ikc({ transaction: schemas/* string */.YjP(), result: resultSchema }).nullable(),
});
const releasesSchema = schemas/* object */.Ikc({
    releases: schemas/* array */.YOg(schemas/* object */.Ikc({
        id: release/* releaseIdSchema */.yU,
        reference: schemas/* string */.YjP(),
        content: release/* digestSchema */.er,
        commit: schemas/* string */.YjP(),
        accepted: schemas/* string */.YjP(),
        /** Why a rollback can go there, or cannot. */
        state: schemas/* enum */.k5n(['serving', 'warm', 'kept', 'pruned']),
    })),
});
/** How a database is reached: a login, and the port on the server's loopback. */
const databaseSchema = schemas/* object */.Ikc({
    port: schemas/* number */.aig().int(),
    database: schemas/* string */.YjP(),
    username: schemas/* string */.YjP(),
    password: schemas/* string */.YjP(),
});
/** A database that is open to a requester, and the migrations of the release for which it is. */
const openDatabaseSchema = databaseSchema.extend({
    release: release/* releaseIdSchema */.yU,
    migrations: schemas/* array */.YOg(release/* releaseMigrationSchema */.PJ),
});
/** What a requester says that its own part of a transaction came to. */
const reportSchema = schemas/* object */.Ikc({ outcome: schemas/* enum */.k5n(['done', 'refused', 'failed']), message: schemas/* string */.YjP().max(2000) });
/** One probe: `ok` needs an answer of the expected status and, where a version is known, that version. */
const healthSchema = schemas/* object */.Ikc({
    healthy: schemas/* boolean */.zMY(),
    checks: schemas/* array */.YOg(schemas/* object */.Ikc({ name: schemas/* string */.YjP(), critical: schemas/* boolean */.zMY(), ok: schemas/* boolean */.zMY(), detail: schemas/* string */.YjP(), ms: schemas/* number */.aig() })),
});
/** What the agent answers when it does not do what was asked. */
const problemSchema = schemas/* object */.Ikc({
    kind: schemas/* enum */.k5n(['refused', 'locked', 'bad-input', 'restarting', 'failed']),
    message: schemas/* string */.YjP(),
});

;// CONCATENATED MODULE: ./js/agent/client.js









/** The agent ends so that a newer one takes over. */
class Absent extends Error {
    name = 'Absent';
}
/** A client over the streams that `connect` opens, for example SSH sessions that run `pacs-agent ssh`. */
function openAgent(connect, { patience = 60_000 } = {}) {
    const http = duplexHttp(connect);
    const api = (0,client.hc)('http://pacs-agent', { fetch: http.fetch }).v1;
    const events = api.transactions[':id'].events;
    // A server that never answered is unreachable at once; one that did is given time to come back.
    let answered = false;
    async function ask(request) {
        const response = await request();
        const trouble = response.ok ? null : problemOf(response.status, await response.text().catch(cut));
        answered = true;
        if (trouble)
            throw trouble;
        return response;
    }
    function passes(thrown) {
        if (thrown instanceof Absent)
            return true;
        return answered && (thrown instanceof Cut || (thrown instanceof lib/* Failure */.HR && thrown.kind === 'unreachable'));
    }
    async function persist(operation) {
        const pause = backoff(patience);
        for (;;) {
            try {
                return await operation();
            }
            catch (thrown) {
                if (passes(thrown) && (await pause()))
                    continue;
                if (thrown instanceof Cut || thrown instanceof Absent) {
                    throw new lib/* Failure */.HR('unreachable', `the agent does not answer: ${thrown.message}`, { cause: thrown });
                }
                throw thrown;
            }
        }
    }
    function get(schema, request) {
        return persist(async () => {
            const response = await ask(request);
            return parseAnswer(schema, await response.text().catch(cut));
        });
    }
    async function* follow(id, { after = 0, signal } = {}) {
        let seen = after;
        let pause = backoff(patience);
        let lost = 'the stream ended early';
        do {
            try {
                const request = { param: { id }, query: { after: String(seen) } };
                const response = await ask(() => events.$get(request, signal ? { init: { signal } } : {}));
                for await (const event of (0,lib/* readJsonLines */.sS)(bodyOf(response), eventSchema)) {
                    if (event.seq <= seen)
                        continue;
                    pause = backoff(patience);
                    seen = event.seq;
                    yield event;
                    if (event.type === 'result')
                        return;
                }
            }
            catch (thrown) {
                signal?.throwIfAborted();
                if (thrown instanceof lib/* Failure */.HR && !passes(thrown))
                    throw thrown;
                lost = thrown;
            }
        } while (await pause(signal));
        throw new lib/* Failure */.HR('unknown', `no result of ${id} was seen: the connection was lost after event ${seen} (${(0,lib/* messageOf */.bD)(lost)}); ` +
            `the server goes on by itself, look with: pacs-agent follow ${id}`);
    }
    return {
        status: () => get(statusSchema, () => api.status.$get()),
        releases: () => get(releasesSchema, () => api.releases.$get()),
        health: () => get(healthSchema, () => api.health.$get()),
        async put(id, input) {
            const request = parseRequest(input);
            const pause = backoff(patience);
            let arrived = false;
            for (;;) {
                try {
                    await drain(await ask(() => api.transactions[':id'].$put({ param: { id }, json: request })));
                    return;
                }
                catch (thrown) {
                    arrived ||= thrown instanceof Cut;
                    if ((passes(thrown) || thrown instanceof Cut) && (await pause()))
                        continue;
                    if (!arrived)
                        throw thrown instanceof Absent ? new lib/* Failure */.HR('unreachable', thrown.message) : thrown;
                    const why = `no answer to ${id} was seen (${(0,lib/* messageOf */.bD)(thrown)})`;
                    throw new lib/* Failure */.HR('unknown', `${why}; whether it runs, the server says: pacs-agent follow ${id}`);
                }
            }
        },
        follow,
        abort: (id) => persist(async () => drain(await ask(() => api.transactions[':id'].$delete({ param: { id } })))),
        database: (id) => get(openDatabaseSchema, () => api.transactions[':id'].database.$get({ param: { id } })),
        report: (id, report) => persist(async () => drain(await ask(() => api.transactions[':id'].report.$put({ param: { id }, json: report })))),
        close: http.close,
    };
}
/**
 * What the requester did itself as it is reported, whatever came of it, so that nobody waits for one that met a bug.
 * @returns the report, and the bug with its stack, for the requester alone to see: its message may hold a document.
 */
async function reportOf(own) {
    try {
        return { report: await own };
    }
    catch (thrown) {
        if (thrown instanceof lib/* Failure */.HR) {
            const outcome = thrown.kind === 'failed' ? 'failed' : 'refused';
            return { report: { outcome, message: thrown.message.slice(0, 2000) } };
        }
        return { report: { outcome: 'failed', message: 'who asked met a bug, which it shows where it runs' }, bug: thrown };
    }
}
/** A client of the agent on this machine. */
function openSocket(path, options) {
    return openAgent(async () => {
        const socket = connectSocket(path);
        try {
            await once(socket, 'connect');
        }
        catch (thrown) {
            throw new Failure('unreachable', `${path}: ${messageOf(thrown)}; does it run? systemctl status pacs-agent`);
        }
        return socket;
    }, options);
}
function cut(thrown) {
    throw new Cut((0,lib/* messageOf */.bD)(thrown), { cause: thrown });
}
async function drain(response) {
    await response.arrayBuffer().catch(cut);
}
function bodyOf(response) {
    return response.body ? external_node_stream_.Readable.fromWeb(response.body) : external_node_stream_.Readable.from([]);
}
function parseRequest(input) {
    const parsed = requestSchema.safeParse(input);
    if (parsed.success)
        return parsed.data;
    throw (0,lib/* badInput */.AN)(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}
function parseAnswer(schema, text) {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success)
        return parsed.data;
    const [issue] = parsed.error.issues;
    throw new lib/* Failure */.HR('error', `the agent's answer is not understood (${issue?.path.join('.')}: ${issue?.message})`);
}
/** What the agent said no with; throws when it was no agent. */
function problemOf(status, text) {
    const parsed = problemSchema.safeParse(parseJson(text));
    if (!parsed.success)
        throw new lib/* Failure */.HR('unreachable', `what answers is no pacs-agent: HTTP ${status}`);
    const { kind, message } = parsed.data;
    return kind === 'restarting' ? new Absent(message) : new lib/* Failure */.HR(kind, message);
}
function parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
const PAUSES_MS = [100, 200, 400, 800, 1600, 3000];
/** Pauses between attempts: each call waits longer, and the one that would exceed `patience` milliseconds says false. */
function backoff(patience) {
    let waited = 0;
    let attempts = 0;
    return async (signal) => {
        const pause = PAUSES_MS[Math.min(attempts++, PAUSES_MS.length - 1)] ?? 0;
        waited += pause;
        if (waited > patience)
            return false;
        await (0,promises_.setTimeout)(pause, undefined, signal ? { signal } : {});
        return true;
    };
}


/***/ }),

/***/ 5149:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  fz: () => (/* reexport */ annotate),
  o3: () => (/* reexport */ cacheDirectory),
  Qc: () => (/* reexport */ childEnvironment),
  i_: () => (/* reexport */ distDirectory),
  p0: () => (/* reexport */ duration),
  Jt: () => (/* reexport */ flag),
  Rl: () => (/* reexport */ jobContext),
  px: () => (/* reexport */ keepIssue),
  L_: () => (/* reexport */ leftDirectory),
  Rm: () => (/* reexport */ log),
  Dn: () => (/* reexport */ makePrivateDirectory),
  dK: () => (/* reexport */ mask),
  wC: () => (/* reexport */ matching),
  yL: () => (/* reexport */ oneOf),
  lq: () => (/* reexport */ optional),
  Ae: () => (/* reexport */ path),
  pj: () => (/* reexport */ plain),
  Ko: () => (/* reexport */ readInputs),
  q: () => (/* reexport */ removeDirectory),
  mw: () => (/* reexport */ required),
  Cs: () => (/* reexport */ runAction),
  a2: () => (/* reexport */ runPost),
  rJ: () => (/* reexport */ secret),
  tI: () => (/* reexport */ startHeartbeat),
  Qq: () => (/* reexport */ inputs_text),
  rD: () => (/* reexport */ wholeNumber),
  m$: () => (/* reexport */ writeJobOutput),
  An: () => (/* reexport */ writeJsonFile),
  Kn: () => (/* reexport */ writeOutputs)
});

// UNUSED EXPORTS: containsMasked, hideMasked, renderSummary, writeSummary

// EXTERNAL MODULE: ../../node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(2825);
;// CONCATENATED MODULE: ./js/runner/log.js

const log = {
    info: core/* info */.pq,
    warning: core/* warning */.$e,
    foreign(text) {
        for (const line of text.split(/\r\n|[\r\n\u2028\u2029]/))
            (0,core/* info */.pq)(`  │ ${plain(line)}`);
    },
    async group(title, work) {
        (0,core/* startGroup */.Oh)(title);
        try {
            return await work();
        }
        finally {
            (0,core/* endGroup */.N4)();
        }
    },
};
/**
 * One line without colours and control characters. The runner takes `##[command]` anywhere in a line and `::command::` at
 * its beginning, after white space, for commands (actions/runner ActionCommand.cs).
 */
function plain(text) {
    return (text
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals
        .replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g, '')
        .replaceAll(/\s/g, ' ')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
        .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '')
        .replaceAll('##[', '## [')
        .replace(/^ *::/, ': :'));
}

// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/runner/masks.js


const masked = new Set();
/** The runner masks each line of a value by itself: a line this short would blank out ordinary text. */
const SHORTEST_MASK = 4;
/** Hides `secret` in everything that is printed from now on, and each of its lines. */
function mask(secret) {
    for (const line of [secret, ...secret.split(/\r?\n/)]) {
        const text = line.trim();
        // The frame of a PEM file is in every key: masking it would hide nothing and spoil messages.
        if (text.length < SHORTEST_MASK || text.startsWith('-----'))
            continue;
        if (masked.has(text))
            continue;
        masked.add(text);
        // GitHub's own list has one entry per line; the whole key would only add a second copy.
        if (!text.includes('\n'))
            (0,core/* setSecret */.Pq)(text);
    }
}
/** Hides in `text` what was masked so far, for texts that do not pass through the runner's log. */
const hideMasked = (text) => (0,lib/* redactor */.$p)([...masked])(text);
/** Whether GitHub would drop a job output of this value, as far as this action's own masks tell. */
function containsMasked(text) {
    return [...masked].some((secret) => text.includes(secret));
}

;// CONCATENATED MODULE: ./js/runner/annotations.js



/** GitHub shows ten annotations of a step on its page, and keeps the rest in the log. */
function annotate(annotations) {
    for (const { level, title, message, file, line } of annotations) {
        const print = level === 'error' ? core/* error */.z3 : core/* warning */.$e;
        print(plain(hideMasked(message)), { title, file, startLine: line });
    }
}

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
;// CONCATENATED MODULE: ./js/runner/context.js

function jobContext(env = process.env) {
    const repository = env.GITHUB_REPOSITORY ?? '';
    const runId = env.GITHUB_RUN_ID ?? '';
    const attempt = env.GITHUB_RUN_ATTEMPT ?? '1';
    return {
        workspace: (0,external_node_path_.resolve)(env.GITHUB_WORKSPACE ?? '.'),
        repository,
        // The one who started this attempt, not the one who made the run: a re-run is that person's act.
        actor: env.GITHUB_TRIGGERING_ACTOR || env.GITHUB_ACTOR || 'unknown',
        commit: env.GITHUB_SHA ?? '',
        runId,
        run: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}/actions/runs/${runId}/attempts/${attempt}`,
        baseBranch: env.GITHUB_BASE_REF || undefined,
        api: env.GITHUB_API_URL || 'https://api.github.com',
    };
}
/** The folder `dist` that the running action's entry lies in. */
function distDirectory() {
    return (0,external_node_path_.join)((0,external_node_path_.dirname)((0,external_node_path_.resolve)(process.argv[1] ?? '.')), '..');
}
/**
 * What a child process of an action gets to see: no inputs, no tokens. RUNNER_TRACKING_ID stays, so that the runner ends
 * what a killed action leaves behind.
 */
function childEnvironment(env = process.env) {
    return Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
const INHERITED = [
    'PATH',
    'HOME',
    'LANG',
    'TMPDIR',
    'XDG_RUNTIME_DIR',
    'RUNNER_TRACKING_ID',
    'SSL_CERT_FILE',
    'DOCKER_HOST',
    'DOCKER_CONFIG',
    'DOCKER_CONTEXT',
    'BUILDX_BUILDER',
    ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
;// CONCATENATED MODULE: ./js/runner/directory.js





/** The state under which the post step finds directories that the main step left. */
const STATE = 'private-directory';
/** Makes a directory that only this user can read, under RUNNER_TEMP. The post step removes it if this one cannot. */
async function makePrivateDirectory() {
    const directory = await (0,promises_.mkdtemp)((0,external_node_path_.join)(process.env.RUNNER_TEMP || (0,external_node_os_.tmpdir)(), 'pacs-'));
    (0,core/* saveState */.LZ)(STATE, directory);
    return directory;
}
/** The directory that the main step of this action made, if it came so far. */
function leftDirectory() {
    return (0,core/* getState */.Gu)(STATE) || undefined;
}
/** Removes what {@link makePrivateDirectory} made; nothing to remove is fine. */
async function removeDirectory(directory) {
    await (0,promises_.rm)(directory, { recursive: true, force: true });
}
/**
 * A directory of this user alone that outlives the job where the machine does.
 * @throws Failure `refused` when others can write to it
 */
async function cacheDirectory(env = process.env) {
    const directory = (0,external_node_path_.join)(env.XDG_CACHE_HOME || (0,external_node_path_.join)(env.HOME || (0,external_node_os_.homedir)(), '.cache'), 'pacs-deploy');
    await (0,promises_.mkdir)(directory, { recursive: true, mode: 0o700 });
    const found = await (0,promises_.lstat)(directory);
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
        throw (0,lib/* refused */.J5)(`${directory} must be a directory of this user that nobody else can write to: remove it and try again`);
    }
    return directory;
}

;// CONCATENATED MODULE: ./js/runner/inputs.js



/**
 * Reads the inputs of an action together; secrets are masked before anything can be printed.
 * @param amiss says what is wrong with the values together; it gets those that can be read.
 * @throws Failure `bad-input` with every mistake, one per line.
 */
function readInputs(readers, amiss = () => []) {
    const entries = Object.entries(readers).map(([name, read]) => ({ name, read, text: (0,core/* getInput */.V4)(name) }));
    for (const { read, text } of entries)
        if (read.secret)
            mask(text);
    const problems = new lib/* Problems */.Zw();
    const values = {};
    for (const { name, read, text } of entries) {
        try {
            values[name] = read(`input ${name}`, text);
        }
        catch (thrown) {
            if (!(thrown instanceof lib/* Failure */.HR))
                throw thrown;
            problems.add(thrown.message);
        }
    }
    for (const problem of amiss(values))
        problems.add(problem);
    problems.throwIfAny();
    return values;
}
/** Any text, also none. */
const inputs_text = (_name, value) => value;
/** A text that must be there. */
const required = (name, value) => {
    if (value === '')
        throw (0,lib/* badInput */.AN)(`${name} is missing: set it under \`with:\``);
    return value;
};
/** Reads a secret: `read` must not show the value in what it throws. */
function secret(read) {
    return Object.assign((name, value) => read(name, value), { secret: true });
}
/** Reads nothing when the input is absent. */
function optional(read) {
    return (name, value) => (value === '' ? undefined : read(name, value));
}
/** `true` or `false`, as YAML's core schema writes them. */
const flag = (name, value) => {
    if (/^(true|True|TRUE)$/.test(value))
        return true;
    if (/^(false|False|FALSE)$/.test(value))
        return false;
    throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is neither true nor false`);
};
/** Milliseconds of a duration such as `60s`, up to `longest` milliseconds. */
function duration(longest) {
    return (name, value) => {
        const milliseconds = (0,lib/* parseDuration */.E9)(name, value);
        if (milliseconds > longest)
            throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is longer than ${longest / 1000}s`);
        return milliseconds;
    };
}
/** A whole number from `least` to `most`. */
function wholeNumber(least, most) {
    return (name, value) => {
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
        if (number >= least && number <= most)
            return number;
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is no whole number from ${least} to ${most}`);
    };
}
/** One of a few words. */
function oneOf(...allowed) {
    return (name, value) => {
        const found = allowed.find((word) => word === value);
        if (found === undefined)
            throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is not allowed; write ${allowed.join(' or ')}`);
        return found;
    };
}
/** What a zod schema takes; its messages read on from the value, like "is no release id". */
function matching(schema) {
    return (name, value) => {
        const parsed = schema.safeParse(value);
        if (parsed.success)
            return parsed.data;
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
    };
}
/** A path inside the workspace or an absolute one, without what could be taken for an option or for two lines. */
const path = (name, value) => {
    required(name, value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    if (/^-|[\u0000-\u001f\u007f]/.test(value)) {
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is no path; it must not begin with - or hold control characters`);
    }
    return value;
};
/** `value` for a message: quoted, control characters escaped, cut at 120 characters. */
function shown(value) {
    return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
}

// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/runner/issue-failures.js
// What GitHub's API says no with, and what is to be done about it.


const answerSchema = schemas/* object */.Ikc({
    status: schemas/* number */.aig(),
    response: schemas/* object */.Ikc({ headers: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* union */.KCZ([schemas/* string */.YjP(), schemas/* number */.aig()]).optional()) }).optional(),
});
/** Milliseconds before the second, third and fourth attempt. */
const PAUSES = [1000, 5000, 15_000];
/** Milliseconds that a job waits at the most for a rate limit to end. */
const LONGEST_PAUSE = 60_000;
/** Milliseconds to wait before attempt `attempt + 1`; null when another one is in vain. @param now milliseconds */
function pauseFor(thrown, attempt, now) {
    const { status, after, limited } = refusalOf(thrown, now);
    const passes = status === 0 || status >= 500 || limited;
    const pause = PAUSES[attempt - 1];
    if (!passes || pause === undefined)
        return null;
    if (after === null)
        return pause;
    return after <= LONGEST_PAUSE ? Math.max(after, pause) : null;
}
/** What GitHub's last answer means to a person. */
function failureOf(thrown, repository) {
    const { status, after, limited } = refusalOf(thrown, Date.now());
    const fail = (message) => new lib/* Failure */.HR('error', message, { cause: thrown });
    if (limited) {
        const until = after === null ? '' : ` until ${new Date(Date.now() + after).toISOString().slice(0, 19)}Z`;
        return fail(`GitHub lets this token ask nothing more${until} (HTTP ${status}): run it again later`);
    }
    if (status === 401)
        return fail('GitHub does not know this token (HTTP 401): is it the right one, and not expired?');
    if (status === 403) {
        return fail('the token may not write issues (HTTP 403): give the job the permission `issues: write`');
    }
    if (status === 404)
        return fail(`there is no ${repository} that this token may see (HTTP 404): give the job \`issues: write\``);
    if (status === 410)
        return fail(`${repository} has its issues turned off (HTTP 410): turn them on in its settings`);
    const why = status === 0 ? (0,lib/* messageOf */.bD)(thrown) : `HTTP ${status}`;
    return fail(`GitHub's API gave no good answer (${why}, ${PAUSES.length + 1} attempts)`);
}
function refusalOf(thrown, now) {
    const parsed = answerSchema.safeParse(thrown);
    if (!parsed.success)
        return { status: 0, after: null, limited: false };
    const { status, response } = parsed.data;
    const headers = response?.headers ?? {};
    // octokit gives a request that never had an answer the status 500, without a response.
    if (response === undefined)
        return { status: 0, after: null, limited: false };
    const seconds = (name) => {
        const value = Number(headers[name] ?? Number.NaN);
        return Number.isFinite(value) ? value : null;
    };
    const retry = seconds('retry-after');
    const used = seconds('x-ratelimit-remaining') === 0;
    const reset = used ? seconds('x-ratelimit-reset') : null;
    const limited = status === 429 || (status === 403 && (retry !== null || used));
    const after = retry !== null ? retry * 1000 : reset !== null ? Math.max(reset * 1000 - now, 0) : null;
    return { status, after, limited };
}

;// CONCATENATED MODULE: ./js/runner/issue.js


/** Milliseconds for one request. */
const PATIENCE = 20_000;
/** Who may have written an issue that is taken for ours: in a public repository anybody can put a marker into one. */
const TRUSTED = ['OWNER', 'MEMBER', 'COLLABORATOR'];
/**
 * Opens, updates or closes the one issue of a condition. It is found by its marker among the open issues, so that one that a
 * person closed is left alone and a second one is made; where two runs made two, the younger ones are closed.
 * @throws Failure `error` when GitHub does not let or cannot; bounded, and says what to do
 */
async function keepIssue(issue, options) {
    const { signal, sleep = (ms, stop) => (0,external_node_timers_promises_.setTimeout)(ms, undefined, { signal: stop }) } = options;
    const said = new Set();
    // The whole is repeated, not one request: what a lost answer hides is found by looking again.
    for (let attempt = 1;; attempt++) {
        try {
            return await keepOnce(issue, await Tracker.of(options, said));
        }
        catch (thrown) {
            signal.throwIfAborted();
            const pause = pauseFor(thrown, attempt, Date.now());
            if (pause === null)
                throw failureOf(thrown, options.repository);
            await sleep(pause, signal);
        }
    }
}
async function keepOnce(issue, tracker) {
    const { state, title, line } = issue;
    const body = `${markerLine(issue.marker)}\n${issue.body}`;
    const [first, ...others] = await tracker.find(markerLine(issue.marker));
    for (const { number } of others)
        await tracker.close(number, `The same as #${first?.number}.`);
    if (first === undefined) {
        return state === 'closed' ? { did: 'none', url: null } : { did: 'opened', url: await tracker.open(title, body) };
    }
    const { number, url } = first;
    if (state === 'closed') {
        await tracker.close(number, line);
        return { did: 'closed', url };
    }
    await tracker.update(number, title, body, line);
    return { did: 'updated', url };
}
function markerLine(marker) {
    if (!/^[\w .-]+$/.test(marker))
        throw new Error(`${JSON.stringify(marker)} cannot stand in a comment`);
    return `<!-- pacs-deploy: ${marker} -->`;
}
/** The issues of a repository. */
class Tracker {
    #client;
    #at;
    /** Numbers of the issues in whose thread the line of this run stands already. */
    #said;
    constructor(client, { repository, signal }, said) {
        const [owner = '', repo = ''] = repository.split('/');
        this.#at = { owner, repo };
        this.#said = said;
        this.#client = client;
        this.#client.hook.before('request', (request) => {
            request.request = { ...request.request, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) };
        });
    }
    /** Loaded where it is asked for: no other action waits for GitHub's client. */
    static async of(options, said) {
        const { getOctokit } = await Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 1329));
        return new Tracker(getOctokit(options.token, { baseUrl: options.api }), options, said);
    }
    /** The open issues that hold `marker`, oldest first. */
    async find(marker) {
        const found = [];
        const { issues } = this.#client.rest;
        const all = { ...this.#at, state: 'open', sort: 'created', direction: 'asc', per_page: 100 };
        for await (const { data } of this.#client.paginate.iterator(issues.listForRepo, all)) {
            for (const one of data) {
                const isOurs = one.user?.type === 'Bot' || TRUSTED.includes(one.author_association ?? '');
                if (one.pull_request || !isOurs || !one.body?.startsWith(marker))
                    continue;
                found.push({ number: one.number, url: one.html_url });
            }
        }
        return found.sort((a, b) => a.number - b.number);
    }
    async open(title, body) {
        return (await this.#client.rest.issues.create({ ...this.#at, title, body })).data.html_url;
    }
    async update(number, title, body, line) {
        await this.#client.rest.issues.update({ ...this.#at, issue_number: number, title, body });
        await this.#say(number, line);
    }
    async close(number, line) {
        await this.#say(number, line);
        await this.#client.rest.issues.update({
            ...this.#at,
            issue_number: number,
            state: 'closed',
            state_reason: 'completed',
        });
    }
    async #say(number, body) {
        if (this.#said.has(number))
            return;
        await this.#client.rest.issues.createComment({ ...this.#at, issue_number: number, body });
        this.#said.add(number);
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
;// CONCATENATED MODULE: ./js/runner/outputs.js






/** Sets outputs of the action. Their values come from schemas or are JSON, so that a server cannot add names of its own. */
function writeOutputs(outputs) {
    for (const [name, value] of Object.entries(outputs))
        (0,core/* setOutput */.uH)(name, value === null ? '' : String(value));
}
/**
 * Sets an output that other jobs need.
 * @throws Failure `error` when GitHub would drop it, because it contains a masked string.
 */
function writeJobOutput(name, value) {
    if (containsMasked(value)) {
        throw new lib/* Failure */.HR('error', `output ${name} contains a masked string, so GitHub would hand an empty value to the next job: ` +
            'registry, repository and user names are no secrets, keep them in vars');
    }
    writeOutputs({ [name]: value });
}
/** Writes a value as a JSON file for later steps of this job, and for an artifact. @returns its path, under RUNNER_TEMP */
function writeJsonFile(name, value) {
    const path = (0,external_node_path_.join)(process.env.RUNNER_TEMP || (0,external_node_os_.tmpdir)(), name);
    (0,external_node_fs_.writeFileSync)(path, hideMasked(`${JSON.stringify(value, null, 2)}\n`));
    return path;
}

;// CONCATENATED MODULE: ./js/runner/progress.js


/** Long work shows at least this often that it goes on, in milliseconds. */
const BEAT_MS = 4000;
/** Says every few seconds that `what` goes on, how far it is and for how long it has. */
function startHeartbeat(what, beat = BEAT_MS) {
    const since = performance.now();
    let detail = '';
    const timer = setInterval(() => {
        log.foreign(`… ${what}${detail} (${(0,lib/* formatDuration */.a3)(performance.now() - since)})`);
    }, beat);
    return {
        tell(next) {
            detail = `: ${next}`;
        },
        stop: () => clearInterval(timer),
    };
}

;// CONCATENATED MODULE: ./js/runner/summary.js



/** GitHub aborts the upload of a summary above 1 MiB; nobody reads that much in 10 seconds. */
const MAX_BYTES = 64 * 1024;
const MAX_CELL = 300;
const LONGEST_IN_TABLE = 1000;
/** Appends a summary to the job's page, if there is one. */
function writeSummary(summary, file = process.env.GITHUB_STEP_SUMMARY) {
    if (file)
        (0,external_node_fs_.appendFileSync)(file, renderSummary(summary));
}
/** Markdown in which no value can be markup, below 64 KiB. */
function renderSummary({ good, title, message, rows, table }) {
    const lines = [`### ${good ? '✅' : '❌'} ${cell(title)}`, '', cell(message, 2000), ''];
    if (rows.length > 0)
        lines.push('| | |', '|---|---|', ...rows.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`), '');
    if (table && table.rows.length > 0) {
        const line = (cells) => `| ${cells.map((text) => cell(text, LONGEST_IN_TABLE)).join(' | ')} |`;
        lines.push(line(table.head), `|${'---|'.repeat(table.head.length)}`, ...table.rows.map(line), '');
    }
    const kept = [];
    let bytes = 0;
    for (const line of lines) {
        bytes += Buffer.byteLength(line) + 1;
        if (bytes > MAX_BYTES)
            return `${kept.join('\n')}\n\n(cut: the log has the rest)\n`;
        kept.push(line);
    }
    return `${kept.join('\n')}\n`;
}
function cell(text, longest = MAX_CELL) {
    const safe = plain(hideMasked(text));
    const cut = safe.length > longest ? `${safe.slice(0, longest)}…` : safe;
    return cut.replaceAll(/[\\`*_{}[\]<>|#&~!@]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

;// CONCATENATED MODULE: ./js/runner/run-action.js






/** The runner gives 7.5 s after SIGINT, then SIGTERM and 2.5 s; a clean-up that takes longer is left to the post step. */
const CANCEL_LIMIT_MS = 6000;
/**
 * Runs an action to the end of its process: one `::error` line and exit 1 on failure, the exit class as output `exit-class`.
 * A Failure is a person's to mend and shows no stack; all else is a bug and does.
 */
async function runAction(subject, main) {
    const cancel = new AbortController();
    const report = { subject, message: '', rows: [] };
    const finish = (thrown) => end(thrown, report);
    let explain = () => 'cancelled: nothing was started on a server';
    const onSignal = () => {
        if (cancel.signal.aborted)
            return;
        cancel.abort(new lib/* Failure */.HR('unknown', explain()));
        setTimeout(() => finish(cancel.signal.reason), CANCEL_LIMIT_MS).unref();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    process.on('unhandledRejection', (thrown) => finish(thrown));
    try {
        await main({
            signal: cancel.signal,
            onCancel: (next) => {
                explain = next;
            },
            report,
        });
        return finish();
    }
    catch (thrown) {
        return finish(cancel.signal.aborted ? cancel.signal.reason : thrown);
    }
}
/** Runs a post step: what it cannot clean up is said, never an error of the job. */
async function runPost(post) {
    try {
        await post();
    }
    catch (thrown) {
        (0,core/* info */.pq)(`clean-up: ${plain((0,lib/* messageOf */.bD)(thrown))}`);
    }
    process.exit(0);
}
// Sockets that hang must not hold the job: the process ends here, by its own hand.
function end(thrown, { subject, message, rows, table }) {
    if (thrown === undefined) {
        writeOutputs({ 'exit-class': lib/* exitClass */.rI.ok });
        writeSummary({ good: true, title: subject, message, rows, table });
        process.exit(0);
    }
    const failure = thrown instanceof lib/* Failure */.HR ? thrown : bug(thrown);
    writeOutputs({ 'exit-class': failure.exitClass });
    (0,core/* error */.z3)(hideMasked(failure.message));
    writeSummary({ good: false, title: `${subject}: ${failure.kind}`, message: failure.message, rows, table });
    process.exit(1);
}
/** Prints the stack of what should never have been thrown. */
function bug(thrown) {
    const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
    for (const line of hideMasked(stack).split('\n'))
        (0,core/* info */.pq)(plain(line));
    return new lib/* Failure */.HR('error', `this is a bug in pacs-deploy, please report it with the lines above: ${(0,lib/* messageOf */.bD)(thrown)}`);
}

;// CONCATENATED MODULE: ./js/runner/index.js













/***/ })

};
