export const id = 94;
export const ids = [94];
export const modules = {

/***/ 6094:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  hM: () => (/* reexport */ checkStack),
  tf: () => (/* reexport */ formatFinding),
  aX: () => (/* reexport */ gateStack),
  i8: () => (/* reexport */ instance_i8),
  fg: () => (/* reexport */ loadStack)
});

// UNUSED EXPORTS: GATE_RULES, GATE_RULE_IDS, containerNames, dataServices, filesOf, instanceName, liveDirectories, passwordFiles, pinnedImage, renderApp, renderCore, variablesOf, xPacsSchema

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ../../node_modules/yaml/dist/index.js
var dist = __webpack_require__(3483);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/stack/sources.js




/** Reads one YAML text; exported for stacks that never lay on a disk. */
function sourcesOf(texts) {
    const sources = [...texts].map(([file, text]) => parse(file, text));
    const main = sources[0];
    if (!main)
        throw new Error('a stack has at least one file');
    return {
        files: sources,
        locate(path) {
            const found = sources.map((source) => ({ source, ...walk(source, path) }));
            const best = found.reduce((a, b) => (b.depth > a.depth ? b : a));
            return { file: best.source.file, line: best.source.lineOf(best.offset) };
        },
    };
}
/**
 * Reads `file` in `directory` with every file that it includes or extends.
 * @throws Failure `bad-input` for a file that is missing or no YAML, and for an include or extends that is remote, has a
 * variable in it, or leaves the directory: Compose would fetch it, and the release would not hold it.
 */
function readSources(directory, file) {
    const texts = new Map();
    const open = (name, askedBy) => {
        if (texts.has(name))
            return;
        let text;
        try {
            text = (0,external_node_fs_.readFileSync)((0,external_node_path_.resolve)(directory, name), 'utf8');
        }
        catch {
            throw (0,lib/* badInput */.AN)(`${askedBy}${name} cannot be read in ${directory}: is it there?`);
        }
        texts.set(name, text);
        const source = parse(name, text);
        for (const { reference, path } of references(source.value)) {
            const line = source.lineOf(walk(source, path).offset);
            const inside = insideOf(directory, (0,external_node_path_.dirname)(name), reference);
            if (inside === null) {
                throw (0,lib/* badInput */.AN)(`${name}:${line}: ${path[0] === 'include' ? 'include' : 'extends'} of "${reference}" is remote, holds a variable or leaves the directory; copy the file into the stack's directory and name it by its relative path`);
            }
            open(inside, `${name}:${line}: `);
        }
    };
    open(file, '');
    return sourcesOf(texts);
}
function parse(file, text) {
    const lines = new dist/* LineCounter */.HN();
    const document = (0,dist/* parseDocument */.Tp)(text, { merge: true, lineCounter: lines });
    const error = document.errors[0];
    if (error)
        throw (0,lib/* badInput */.AN)(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`);
    return {
        file,
        contents: document.contents,
        value: document.toJS(),
        lineOf: (offset) => lines.linePos(offset).line,
        document,
    };
}
/** How far `path` leads into a source, and where the last value found begins (its key, where it has one). */
function walk(source, path) {
    let node = source.contents;
    let offset = 0;
    let depth = 0;
    for (const step of path) {
        if ((0,dist/* isAlias */.Vj)(node))
            node = node.resolve(source.document);
        if ((0,dist/* isMap */.jh)(node)) {
            const pair = pairOf(source, node.items, String(step));
            if (!pair)
                break;
            offset = startOf(pair.key) ?? offset;
            node = pair.value;
        }
        else if ((0,dist/* isSeq */.oP)(node) && typeof step === 'number' && node.items[step] !== undefined) {
            node = node.items[step];
            offset = startOf(node) ?? offset;
        }
        else {
            break;
        }
        depth += 1;
    }
    return { depth, offset };
}
function pairOf(source, items, key) {
    const own = items.find((pair) => (0,dist/* isScalar */.jn)(pair.key) && String(pair.key.value) === key);
    if (own)
        return own;
    for (const merge of items.filter(isMerge)) {
        const merged = (0,dist/* isSeq */.oP)(merge.value) ? merge.value.items : [merge.value];
        for (const one of merged) {
            const map = (0,dist/* isAlias */.Vj)(one) ? one.resolve(source.document) : one;
            const pair = (0,dist/* isMap */.jh)(map) ? pairOf(source, map.items, key) : undefined;
            if (pair)
                return pair;
        }
    }
    return undefined;
}
/** The parser gives a merge key a symbol for its value. */
function isMerge({ key }) {
    return (0,dist/* isScalar */.jn)(key) && typeof key.value === 'symbol' && key.value.description === '<<';
}
function startOf(node) {
    return (0,dist/* isNode */.Ll)(node) ? node.range?.[0] : undefined;
}
/** Every file that a source pulls in, with the place that says so. */
function* references(value) {
    const include = field(value, 'include');
    for (const [index, entry] of Array.isArray(include) ? include.entries() : []) {
        const paths = typeof entry === 'string' ? entry : field(entry, 'path');
        for (const reference of [paths].flat()) {
            if (typeof reference === 'string')
                yield { reference, path: ['include', index] };
        }
    }
    const services = field(value, 'services');
    if (services === null || typeof services !== 'object')
        return;
    for (const [name, service] of Object.entries(services)) {
        const reference = field(field(service, 'extends'), 'file');
        if (typeof reference === 'string')
            yield { reference, path: ['services', name, 'extends'] };
    }
}
function insideOf(directory, from, reference) {
    if (/^[a-z]+:|^git@|[$#]/.test(reference))
        return null;
    const path = (0,external_node_path_.relative)(directory, (0,external_node_path_.resolve)(directory, from, reference));
    return path === '' || path === '..' || path.startsWith(`..${external_node_path_.sep}`) ? null : path;
}
/** The value of a key of something that may be a map. */
function field(value, key) {
    return value !== null && typeof value === 'object' && key in value ? Reflect.get(value, key) : undefined;
}

;// CONCATENATED MODULE: ./js/stack/check-data.js

/** What `x-pacs.data` says of a service must be true of the file: its secrets, its volume, its port. */
function* checkData(stack) {
    let database;
    for (const service of stack.services.values()) {
        const { data } = service.pacs;
        if (data === undefined)
            continue;
        const path = ['services', service.name, 'x-pacs', 'data'];
        if (service.kind === 'app') {
            const message = 'x-pacs.data is for core services: a start-first service runs twice during a deploy, and data has one owner';
            yield { rule: 'data', message, path };
        }
        yield* checkSecrets(stack, data, path);
        if (data.kind === 'orthanc')
            yield* checkVolume(stack, service, data.volume, [...path, 'volume']);
        if (data.kind !== 'mongodb')
            continue;
        yield* checkPort(service, data.port, [...path, 'port']);
        if (database !== undefined) {
            const message = `kind mongodb, as ${database} is too: migrations know one database; leave x-pacs.data out here`;
            yield { rule: 'data', message, path: [...path, 'kind'] };
        }
        database ??= service.name;
    }
}
function* checkSecrets(stack, data, path) {
    const named = data.kind === 'mongodb'
        ? Object.entries(data.users).map(([use, { password }]) => [password, [...path, 'users', use, 'password']])
        : data.kind === 'redis'
            ? [[data.password, [...path, 'password']]]
            : [];
    for (const [secret, at] of named) {
        if (stack.secrets.get(secret)?.file !== undefined)
            continue;
        const message = `password ${secret} is no secret of the stack with a file: declare it under secrets, with file: ./secrets/${secret}`;
        yield { rule: 'data', message, path: at };
    }
}
function* checkVolume(stack, { definition }, volume, path) {
    if (!stack.volumes.has(volume)) {
        yield { rule: 'data', message: `volume ${volume} is none of the stack: declare it under volumes`, path };
    }
    else if (!(definition.volumes ?? []).some(({ type, source }) => type === 'volume' && source === volume)) {
        yield { rule: 'data', message: `volume ${volume} is not mounted by this service: name the one that is`, path };
    }
}
/** Migrations come through an SSH tunnel to the server's loopback; nobody else may reach the database. */
function* checkPort({ definition }, port, path) {
    const published = (definition.ports ?? []).filter((entry) => Number(field(entry, 'published')) === port);
    if (published.length > 0 && published.every((entry) => field(entry, 'host_ip') === '127.0.0.1'))
        return;
    const message = published.length === 0
        ? `port ${port} is not published: migrations reach the database there; add "127.0.0.1:${port}:27017" to ports`
        : `port ${port} is published to every network: write "127.0.0.1:${port}:27017", so that only this machine reaches it`;
    yield { rule: 'data', message, path };
}

;// CONCATENATED MODULE: ./js/stack/interpolation.js
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATORS = [':-', ':?', ':+', '-', '?', '+'];
/** Reads a string by Compose's rules: `$V`, `${V}`, `${V:-default}` and its kin; `$$` and a `$` before anything else are dollar signs. */
function interpolation_interpolationOf(text) {
    const uses = [];
    let at = text.indexOf('$');
    while (at !== -1) {
        let next = at + 2;
        if (text[at + 1] === '{') {
            const end = closingBrace(text, at + 2);
            const use = end === -1 ? null : bracedUse(text.slice(at + 2, end));
            if (!use)
                return { uses, invalid: text.slice(at, end === -1 ? undefined : end + 1) };
            uses.push(use);
            const inner = interpolation_interpolationOf(use.operand);
            uses.push(...inner.uses);
            if (inner.invalid)
                return { uses, invalid: inner.invalid };
            next = end + 1;
        }
        else if (text[at + 1] !== '$') {
            const name = match(NAME, text, at + 1);
            if (name)
                uses.push({ name, operator: '', operand: '' });
            next = at + 1 + (name?.length ?? 0);
        }
        at = text.indexOf('$', next);
    }
    return { uses, invalid: null };
}
/** Whether a string changes with the environment. */
function hasVariable(text) {
    return interpolation_interpolationOf(text).uses.length > 0;
}
/** Writes text so that Compose reads it back unchanged. */
function interpolation_escapeDollars(text) {
    return text.replaceAll('$', '$$$$');
}
/** `text` where no variable is set: defaults take their places, `unset` that of a variable without one. */
function withDefaults(text, unset) {
    let result = '';
    let at = 0;
    while (at < text.length) {
        const dollar = text.indexOf('$', at);
        if (dollar === -1)
            return result + text.slice(at);
        result += text.slice(at, dollar);
        if (text[dollar + 1] === '{') {
            const end = closingBrace(text, dollar + 2);
            const use = end === -1 ? null : bracedUse(text.slice(dollar + 2, end));
            if (!use)
                return result + text.slice(dollar);
            result += use.operator === ':-' || use.operator === '-' ? withDefaults(use.operand, unset) : unset;
            at = end + 1;
        }
        else {
            const name = match(NAME, text, dollar + 1);
            result += name ? unset : '$';
            at = dollar + 1 + (name?.length ?? 1);
        }
    }
    return result;
}
function bracedUse(inside) {
    const name = match(NAME, inside, 0);
    if (!name)
        return null;
    if (name.length === inside.length)
        return { name, operator: '', operand: '' };
    const operator = OPERATORS.find((one) => inside.startsWith(one, name.length));
    if (!operator)
        return null;
    return { name, operator, operand: inside.slice(name.length + operator.length) };
}
/** The brace that closes what began before `from`, as Compose finds it: braces count in pairs; where they do not, the last one closes. */
function closingBrace(text, from) {
    let depth = 1;
    for (let at = from; at < text.length; at += 1) {
        if (text[at] === '{')
            depth += 1;
        if (text[at] === '}')
            depth -= 1;
        if (depth === 0)
            return at;
    }
    const last = text.lastIndexOf('}');
    return last >= from ? last : -1;
}
function match(pattern, text, at) {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
}

;// CONCATENATED MODULE: ./js/stack/paths.js


/** What a person lays down on the server (config revision) and no release holds. */
const CONFIG_FOLDERS = ['secrets', 'certs'];
/** Whether a path of a Compose file is relative to it; `$` begins a variable, `~` a home directory. */
function isRelative(path) {
    return !/^[/~$]/.test(path);
}
/** `./a//b/` as `a/b`; '.' for the directory itself. */
function paths_normalised(path) {
    return (external_node_path_.posix
        .normalize(path)
        .replace(/^(?:\.\/)+/, '')
        .replace(/\/+$/, '') || '.');
}
/** Whether a normalised path belongs to the config revision rather than to the release. */
function paths_isConfigPath(path) {
    return CONFIG_FOLDERS.includes(path.split('/')[0] ?? '');
}
/** The relative default of a source that is one variable: `./traefik/dynamic` in `${DIR:-./traefik/dynamic}`. */
function relativeDefault(source) {
    const parts = /^(\$\{[A-Za-z_][A-Za-z0-9_]*:?-)([^$}]+)\}$/.exec(source);
    const [, head, path] = parts ?? [];
    return head && path && isRelative(path) ? { head, path } : null;
}
/** A path of the Compose file as a rendered file names it: relative ones by `place`, the others as they stand. */
function paths_mapPath(source, place) {
    if (isRelative(source))
        return escapeDollars(place(paths_normalised(source)));
    const fallback = relativeDefault(source);
    return fallback ? `${fallback.head}${escapeDollars(place(paths_normalised(fallback.path)))}}` : source;
}
/** The files that `service` mounts: what an agent copies and hashes for a core service. Sorted, each once. */
function filesOf(stack, service) {
    const found = stack.services.get(service);
    if (!found)
        throw new Error(`the stack has no service ${service}`);
    const paths = [...new Set(mountedPaths(stack, found).map(({ path }) => paths_normalised(path)))].sort();
    return { files: paths.filter((path) => !paths_isConfigPath(path)), secrets: paths.filter(paths_isConfigPath) };
}
function mountedPaths(stack, { name, definition }) {
    const binds = (definition.volumes ?? []).map((mount, index) => ({
        path: mount.type === 'bind' ? mount.source : undefined,
        at: ['services', name, 'volumes', index],
    }));
    const granted = ['secrets', 'configs'].flatMap((kind) => (definition[kind] ?? []).map(({ source }) => ({ path: stack[kind].get(source)?.file, at: [kind, source, 'file'] })));
    return [...binds, ...granted].flatMap(({ path, at }) => path !== undefined && isRelative(path) ? [{ path, at }] : []);
}

;// CONCATENATED MODULE: ./js/stack/live.js



/**
 * The mounted folders whose files a service takes up anew on the signal `x-pacs.reload`; none without it. A file that is mounted
 * alone is no part of them: inside a running container it stays what it was, whatever is renamed over it.
 */
function liveDirectories(stack, { pacs, definition }) {
    if (pacs.reload === undefined)
        return [];
    return (definition.volumes ?? []).flatMap(({ type, source, target }) => {
        if (type !== 'bind' || source === undefined || target === undefined || !isRelative(source))
            return [];
        const path = paths_normalised(source);
        const found = paths_isConfigPath(path) ? undefined : (0,external_node_fs_.statSync)((0,external_node_path_.join)(stack.directory, path), { throwIfNoEntry: false });
        return found?.isDirectory() ? [{ path, target }] : [];
    });
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/stack/definition.js


// The model as `docker compose config --no-interpolate --no-path-resolution --no-normalize` prints it: short forms are long
// already, but a value with a variable is still a string, and lists of NAME=value stay lists.
const listOrMap = schemas/* union */.KCZ([schemas/* array */.YOg(schemas/* string */.YjP()), schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J())]);
const buildDefinition = schemas/* looseObject */._H3({
    context: schemas/* string */.YjP().default('.'),
    dockerfile: schemas/* string */.YjP().default('Dockerfile'),
    target: schemas/* string */.YjP().optional(),
    args: listOrMap.optional(),
});
/** A mount of a service; `source` is a path for binds, a key of `volumes` for volumes. */
const mountDefinition = schemas/* looseObject */._H3({
    type: schemas/* string */.YjP(),
    source: schemas/* string */.YjP().optional(),
    target: schemas/* string */.YjP().optional(),
});
/** How a service uses a secret or a config. */
const grantDefinition = schemas/* looseObject */._H3({ source: schemas/* string */.YjP(), target: schemas/* string */.YjP().optional() });
const attachmentDefinition = schemas/* looseObject */._H3({ aliases: schemas/* array */.YOg(schemas/* string */.YjP()).optional() }).nullable();
const serviceDefinition = schemas/* looseObject */._H3({
    image: schemas/* string */.YjP().optional(),
    build: schemas/* union */.KCZ([schemas/* string */.YjP().transform((context) => buildDefinition.parse({ context })), buildDefinition]).optional(),
    container_name: schemas/* string */.YjP().optional(),
    depends_on: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* looseObject */._H3({ condition: schemas/* string */.YjP().optional() })).optional(),
    deploy: schemas/* looseObject */._H3({
        replicas: schemas/* union */.KCZ([schemas/* number */.aig(), schemas/* string */.YjP()]).optional(),
        update_config: schemas/* looseObject */._H3({ order: schemas/* string */.YjP().optional() }).nullish(),
    })
        .nullish(),
    scale: schemas/* union */.KCZ([schemas/* number */.aig(), schemas/* string */.YjP()]).optional(),
    env_file: schemas/* unknown */.L5J().optional(),
    environment: listOrMap.optional(),
    healthcheck: schemas/* looseObject */._H3({ disable: schemas/* unknown */.L5J().optional(), test: schemas/* union */.KCZ([schemas/* string */.YjP(), schemas/* array */.YOg(schemas/* string */.YjP())]).optional() })
        .nullish(),
    labels: listOrMap.optional(),
    network_mode: schemas/* string */.YjP().optional(),
    networks: schemas/* record */.g1P(schemas/* string */.YjP(), attachmentDefinition).optional(),
    ports: schemas/* array */.YOg(schemas/* union */.KCZ([
        schemas/* string */.YjP(),
        schemas/* number */.aig(),
        schemas/* looseObject */._H3({ target: schemas/* unknown */.L5J().optional(), published: schemas/* unknown */.L5J().optional() }),
    ]))
        .optional(),
    profiles: schemas/* array */.YOg(schemas/* string */.YjP()).optional(),
    secrets: schemas/* array */.YOg(grantDefinition).optional(),
    configs: schemas/* array */.YOg(grantDefinition).optional(),
    stop_grace_period: schemas/* union */.KCZ([schemas/* string */.YjP(), schemas/* number */.aig()]).optional(),
    volumes: schemas/* array */.YOg(mountDefinition).optional(),
    'x-pacs': schemas/* unknown */.L5J().optional(),
});
/** A network, volume, secret or config of the file. */
const resourceDefinition = schemas/* looseObject */._H3({
    name: schemas/* string */.YjP().optional(),
    external: schemas/* unknown */.L5J().optional(),
    file: schemas/* string */.YjP().optional(),
});
const resources = schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* preprocess */.vkY((resource) => resource ?? {}, resourceDefinition))
    .default({});
const stackDefinition = schemas/* looseObject */._H3({
    services: schemas/* record */.g1P(schemas/* string */.YjP(), serviceDefinition).default({}),
    networks: resources,
    volumes: resources,
    secrets: resources,
    configs: resources,
});
/**
 * Reads what Compose printed.
 * @throws Failure `bad-input` that names the place in `file`
 */
function parseDefinition(file, value) {
    const parsed = stackDefinition.safeParse(value);
    if (parsed.success)
        return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw (0,lib/* badInput */.AN)(`${file} cannot be read as a stack: ${problems.join('; ')}`);
}
/** A list of `NAME=value` or a map, as a map; a name without a value has null. */
function definition_asMap(value) {
    if (value === undefined)
        return {};
    if (!Array.isArray(value))
        return { ...value };
    return Object.fromEntries(value.map((item) => {
        const at = item.indexOf('=');
        return at === -1 ? [item, null] : [item.slice(0, at), item.slice(at + 1)];
    }));
}

;// CONCATENATED MODULE: ./js/stack/gate/rule-ids.js
/** The rules of the gate, as a person names them under x-pacs.allow. */
const GATE_RULE_IDS = [
    'privileged',
    'docker-socket',
    'host-namespace',
    'added-capability',
    'new-privileges',
    'writable-root',
    'root-user',
    'data-port',
    'plain-secret',
    'limits',
    'health-check',
    'log-rotation',
];

;// CONCATENATED MODULE: ./js/stack/x-pacs-data.js

/** The name of a user, a database, a secret or a volume. */
const x_pacs_data_name = schemas/* string */.YjP().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a name of letters, digits, ".", "_" and "-"');
const account = schemas/* strictObject */.rej({ name: x_pacs_data_name, password: x_pacs_data_name });
const kinds = {
    mongodb: schemas/* strictObject */.rej({
        kind: schemas/* literal */.euz('mongodb'),
        database: x_pacs_data_name,
        port: schemas/* int */.Whr('must be a whole number').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535'),
        users: schemas/* strictObject */.rej({ migrate: account, backup: account }),
    }),
    redis: schemas/* strictObject */.rej({ kind: schemas/* literal */.euz('redis'), user: x_pacs_data_name, password: x_pacs_data_name }),
    orthanc: schemas/* strictObject */.rej({ kind: schemas/* literal */.euz('orthanc'), volume: x_pacs_data_name }),
};
/** Which data a core service holds, as a person writes it: passwords and volumes by their names in the Compose file. */
const xPacsDataSchema = schemas/* discriminatedUnion */.gMt('kind', [kinds.mongodb, kinds.redis, kinds.orthanc], {
    error: `must have a kind: ${Object.keys(kinds).join(', ')}`,
});
/** Keys that a person may write in `data`, or in the map of it at `path`; none where there is no map. */
function dataKeys(kind, path) {
    const [group, use] = path;
    if (group === 'users')
        return use === undefined ? Object.keys(kinds.mongodb.shape.users.shape) : Object.keys(account.shape);
    return kind === 'mongodb' || kind === 'redis' || kind === 'orthanc' ? Object.keys(kinds[kind].shape) : [];
}

;// CONCATENATED MODULE: ./js/stack/x-pacs.js




/** The path of a URL, with its query: printable ASCII from the first slash on. */
const urlPath = schemas/* string */.YjP().regex(/^\/[\x21-\x7e]*$/, 'must be a path of printable characters that starts with /');
const port = schemas/* int */.Whr('must be a whole number').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535');
const UNITS = { B: 1, KB: 1000, KiB: 1024, MB: 1_000_000, MiB: 1_048_576 };
const SIZE = /^(\d+)(B|KB|KiB|MB|MiB)$/;
const byteSize = schemas/* string */.YjP()
    .regex(SIZE, 'must be a size like 600KiB or 2MiB')
    .transform((text) => {
    const [, count, unit = ''] = SIZE.exec(text) ?? [];
    return Number(count) * (UNITS[unit] ?? 1);
});
const traefikRule = schemas/* string */.YjP()
    .min(1)
    .refine(isBalanced, 'must be a rule of Traefik, like PathPrefix(`/api`): its parentheses or backticks do not match');
/**
 * What Compose cannot say about a service, as a person writes it (kebab-case), read into what the code uses (camelCase;
 * sizes in bytes). A service is critical unless it says `critical: false`: one that nobody marked must be able to turn health red.
 */
const xPacsSchema = schemas/* strictObject */.rej({
    port: port.optional(),
    route: traefikRule.optional(),
    ready: urlPath.optional(),
    checks: schemas/* array */.YOg(schemas/* strictObject */.rej({ path: urlPath, status: schemas/* int */.Whr().min(100).max(599).default(200) })).default([]),
    assets: schemas/* string */.YjP()
        .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path prefix like /assets, without a slash at its end')
        .optional(),
    metrics: schemas/* strictObject */.rej({
        port,
        path: urlPath.default('/metrics'),
        'in-flight': schemas/* string */.YjP()
            .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'must be the name of a metric')
            .optional(),
    })
        .transform(({ port, path, 'in-flight': inFlight }) => ({ port, path, inFlight }))
        .optional(),
    critical: schemas/* boolean */.zMY().default(true),
    reload: schemas/* enum */.k5n(['SIGHUP', 'SIGUSR1', 'SIGUSR2']).optional(),
    'bundle-budget': byteSize.optional(),
    data: xPacsDataSchema.optional(),
    allow: schemas/* partialRecord */.jgl(schemas/* enum */.k5n(GATE_RULE_IDS), schemas/* string */.YjP().min(10, 'must say why, in at least 10 characters'))
        .default({}),
})
    .transform(({ 'bundle-budget': bundleBudget, ...rest }) => ({ ...rest, bundleBudget }));
/** Keys that a person may write, by the path of the map that holds them. */
const xPacsKeys = {
    '': ['port', 'route', 'ready', 'checks', 'assets', 'metrics', 'critical', 'reload', 'bundle-budget', 'data', 'allow'],
    checks: ['path', 'status'],
    metrics: ['port', 'path', 'in-flight'],
};
/** Keys that a person may write in the map at `path` of `pacs`, the value of x-pacs. */
function allowedKeys(path, pacs) {
    const [group, ...inner] = path;
    if (group === 'checks' || group === 'metrics')
        return xPacsKeys[group];
    return group === 'data' ? dataKeys(field(field(pacs, 'data'), 'kind'), inner) : xPacsKeys[''];
}
function isBalanced(rule) {
    const outside = rule.replaceAll(/`[^`]*`/g, '');
    if (outside.includes('`'))
        return false;
    let depth = 0;
    for (const character of outside) {
        if (character === '(')
            depth += 1;
        if (character === ')')
            depth -= 1;
        if (depth < 0)
            return false;
    }
    return depth === 0 && /[A-Za-z]\(/.test(outside);
}

;// CONCATENATED MODULE: ./js/stack/stack.js



const DEFAULT_GRACE_MS = 10_000;
/** Makes the model of a stack from what Compose read; services of profiles are none of a release. */
function stackOf(place, definition) {
    const services = Object.entries(definition.services).filter(([, service]) => !service.profiles?.length);
    return {
        ...place,
        services: new Map(services.map(([name, service]) => [name, serviceOf(name, service)])),
        networks: new Map(Object.entries(definition.networks)),
        volumes: new Map(Object.entries(definition.volumes)),
        secrets: new Map(Object.entries(definition.secrets)),
        configs: new Map(Object.entries(definition.configs)),
        definition: { ...definition, services: Object.fromEntries(services) },
    };
}
/** The networks that a service joins: `default` when it names none, none under a `network_mode`. */
function stack_networksOf({ definition, }) {
    if (definition.network_mode !== undefined)
        return new Map();
    return new Map(Object.entries(definition.networks ?? { default: null }));
}
/** The services of a kind. */
function stack_servicesOf(stack, kind) {
    return [...stack.services.values()].filter((service) => service.kind === kind);
}
function serviceOf(name, definition) {
    const pacs = xPacsSchema.safeParse(definition['x-pacs'] ?? {});
    const build = buildOf(definition);
    return {
        name,
        kind: definition.deploy?.update_config?.order === 'start-first' ? 'app' : 'core',
        ...(definition.image === undefined ? {} : { image: definition.image }),
        ...(build === null ? {} : { build }),
        replicas: wholeNumber(definition.deploy?.replicas ?? definition.scale ?? 1) ?? 1,
        pacs: pacs.success ? pacs.data : xPacsSchema.parse({}),
        stopGraceMs: durationMs(definition.stop_grace_period ?? DEFAULT_GRACE_MS) ?? DEFAULT_GRACE_MS,
        healthcheck: hasHealthcheck(definition),
        dependsOn: Object.keys(definition.depends_on ?? {}),
        definition,
    };
}
function buildOf({ build }) {
    if (!build)
        return null;
    const args = Object.entries(definition_asMap(build.args)).map(([name, value]) => [name, value === null ? null : String(value)]);
    return {
        context: build.context,
        dockerfile: build.dockerfile,
        ...(build.target === undefined ? {} : { target: build.target }),
        args: Object.fromEntries(args),
    };
}
function hasHealthcheck({ healthcheck }) {
    if (!healthcheck || healthcheck.disable === true)
        return false;
    const [first] = [healthcheck.test ?? []].flat();
    return first !== undefined && first !== 'NONE';
}
/** A count as written, null where it is none. */
function wholeNumber(value) {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : null;
}
/** Milliseconds of a duration as Compose writes it (`1m30s`; a bare number is milliseconds here), null where it is none. */
function durationMs(value) {
    if (typeof value === 'number')
        return value;
    try {
        return (0,lib/* parseDuration */.E9)('duration', value);
    }
    catch {
        return null;
    }
}

;// CONCATENATED MODULE: ./js/stack/check-resources.js






const KINDS = ['networks', 'volumes', 'secrets', 'configs'];
/** Networks, volumes, secrets, configs, and the files that services mount. */
function* checkResources(stack) {
    for (const service of stack.services.values()) {
        yield* checkReferences(stack, service);
        yield* checkPaths(stack, service);
        yield* checkReload(stack, service);
    }
    for (const kind of KINDS) {
        for (const [name, resource] of stack[kind]) {
            const path = [kind, name];
            if (resource.external !== undefined && resource.external !== false) {
                const message = `${kind} ${name} is external: the agent makes all that a stack needs; declare it with its name, without external`;
                yield { rule: 'external', message, path: [...path, 'external'] };
            }
            else if ((kind === 'volumes' || kind === 'networks') && resource.name === undefined) {
                const message = `${kind} ${name} has no name of its own: Compose would make one per project, and ${kind === 'volumes' ? 'each release would start with an empty volume' : 'releases would not meet on it'}; add name: pacs-${name}`;
                yield { rule: 'name', message, path };
            }
        }
    }
    for (const [name, { file }] of stack.secrets) {
        if (file === undefined || (isRelative(file) && /^secrets\/./.test(paths_normalised(file))))
            continue;
        const message = `secret file ${file} lies outside ./secrets, the folder that a server keeps apart: move it to ./secrets/${name}`;
        yield { rule: 'secret', message, path: ['secrets', name, 'file'] };
    }
    yield* checkDefaultNetwork(stack);
}
/** Compose's own check is off where variables stay: a service may name what nobody declares. */
function* checkReferences(stack, service) {
    const { name, definition } = service;
    const path = ['services', name];
    for (const network of Object.keys(definition.networks ?? {})) {
        if (network !== 'default' && !stack.networks.has(network))
            yield undeclared('networks', network);
    }
    for (const [index, { type, source }] of (definition.volumes ?? []).entries()) {
        if (type === 'volume' &&
            source !== undefined &&
            !hasVariable(source) &&
            !source.includes('$') &&
            !stack.volumes.has(source)) {
            yield undeclared('volumes', source, index);
        }
        if (type === 'volume' && source === undefined) {
            const message = 'a volume without a name is lost with its container: name it under volumes, or use tmpfs';
            yield { rule: 'name', message, path: [...path, 'volumes', index] };
        }
    }
    for (const kind of ['secrets', 'configs']) {
        for (const [index, { source }] of (definition[kind] ?? []).entries()) {
            if (!stack[kind].has(source))
                yield undeclared(kind, source, index);
        }
    }
    for (const other of service.dependsOn) {
        if (stack.services.has(other))
            continue;
        const message = `depends_on ${other}, which is no service of the stack (or only one of a profile): leave it out`;
        yield { rule: 'undeclared', message, path: [...path, 'depends_on', other] };
    }
    function undeclared(kind, key, index) {
        const message = `names ${key}, which ${kind} at the top of the file does not declare: add it there`;
        return { rule: 'undeclared', message, path: [...path, kind, index ?? key] };
    }
}
function* checkPaths(stack, service) {
    for (const { path: source, at } of mountedPaths(stack, service)) {
        const problem = problemOf(stack.directory, source);
        if (problem)
            yield { rule: 'path', message: `${source} ${problem}`, path: at };
    }
    for (const [index, { type, source = '' }] of (service.definition.volumes ?? []).entries()) {
        if (type !== 'bind')
            continue;
        const at = ['services', service.name, 'volumes', index];
        const fallback = relativeDefault(source);
        if (fallback && leaves(paths_normalised(fallback.path))) {
            yield {
                rule: 'path',
                message: `${fallback.path} leaves the stack's directory, which is all that a release holds`,
                path: at,
            };
        }
        if (source.startsWith('~')) {
            yield {
                rule: 'path',
                message: `${source} is in a home directory, which a server does not have: write an absolute path`,
                path: at,
            };
        }
    }
}
/** A service of which no folder is mounted could not be given a new file without being replaced. */
function* checkReload(stack, service) {
    const { name, kind, pacs } = service;
    if (kind !== 'core' || pacs.reload === undefined || liveDirectories(stack, service).length > 0)
        return;
    const message = 'x-pacs.reload needs a mounted folder of the stack (./proxy:/etc/proxy): a file that is mounted alone stays the old one inside a running container';
    yield { rule: 'x-pacs', message, path: ['services', name, 'x-pacs', 'reload'] };
}
function problemOf(directory, source) {
    if (source.includes('$'))
        return 'holds a variable: a release must know its files; write the path itself';
    const path = paths_normalised(source);
    if (leaves(path))
        return "leaves the stack's directory, which is all that a release holds: copy it into the directory";
    if (path === '.')
        return 'is the whole stack directory: mount the file or folder that is needed';
    if (paths_isConfigPath(path))
        return null;
    const full = (0,external_node_path_.join)(directory, path);
    if (!(0,external_node_fs_.statSync)(full, { throwIfNoEntry: false }))
        return 'does not exist: Compose would make an empty directory of that name';
    const root = (0,external_node_fs_.realpathSync)(directory);
    return (0,external_node_fs_.realpathSync)(full).startsWith(`${root}${external_node_path_.sep}`)
        ? null
        : "is a link that leads out of the stack's directory: copy what it names";
}
function leaves(path) {
    return path === '..' || path.startsWith('../');
}
/** A network that nobody declared has the name of its project, so core and app would each have another one. */
function* checkDefaultNetwork(stack) {
    if (stack.networks.has('default'))
        return;
    const users = (kind) => stack_servicesOf(stack, kind).filter((service) => stack_networksOf(service).has('default'));
    const [app] = users('app');
    const [core] = users('core');
    if (!app || !core)
        return;
    const message = `shares Compose's default network with ${core.name}, a core service: declare a network with a name for both, and list it under networks of each`;
    yield { rule: 'name', message, path: ['services', app.name] };
}

;// CONCATENATED MODULE: ./js/stack/check-services.js


/** What a service must have, and must not have, so that the agent can run it. */
function* checkServices(stack) {
    if (stack_servicesOf(stack, 'app').length === 0) {
        const message = 'no service has deploy.update_config.order: start-first, so there is nothing to deploy without a gap';
        yield { rule: 'app', message, path: ['services'] };
    }
    for (const service of stack.services.values()) {
        const path = ['services', service.name];
        if (service.definition.env_file !== undefined) {
            const message = 'env_file would put its values into the rendered file: name each variable under environment instead';
            yield { rule: 'env_file', message, path: [...path, 'env_file'] };
        }
        yield* checkImage(service, path);
        yield* service.kind === 'app' ? checkApp(stack, service, path) : checkCore(stack, service, path);
    }
    yield* checkRoutes(stack);
}
function* checkImage({ image, build }, path) {
    if (build)
        return;
    if (image === undefined) {
        yield { rule: 'image', message: 'has neither image nor build', path };
        return;
    }
    const at = [...path, 'image'];
    const resolved = withDefaults(image, 'x');
    if (resolved.includes('@'))
        return;
    const tag = /:([^/]*)$/.exec(resolved)?.[1];
    if (tag === undefined || tag === '') {
        yield {
            rule: 'image',
            message: `image ${image} has no tag: what it is would change from build to build; name an exact version`,
            path: at,
        };
    }
    else if (tag === 'latest') {
        yield { rule: 'image', message: `image ${image} is whatever is newest: name an exact version`, path: at };
    }
}
/** Keys that a second instance beside the first would collide on, or that tie a service to another one by name. */
const NOT_BESIDE = {
    container_name: 'two instances cannot have one name: leave it out',
    ports: 'two instances cannot publish one port: leave it out, Traefik reaches the container by x-pacs.port',
    network_mode: 'the agent gives each instance its own network: leave it out',
    links: 'services find each other by name: leave it out',
    external_links: 'services find each other by name: leave it out',
    volumes_from: 'name the volumes themselves',
};
function* checkApp(stack, service, path) {
    const { pacs, definition } = service;
    for (const [key, why] of Object.entries(NOT_BESIDE)) {
        const value = definition[key];
        if (value === undefined || (Array.isArray(value) && value.length === 0))
            continue;
        yield { rule: 'start-first', message: `${key} on a start-first service: ${why}`, path: [...path, key] };
    }
    for (const key of ['ipc', 'pid', 'uts']) {
        if (!/^(?:service|container):/.test(String(definition[key])))
            continue;
        yield {
            rule: 'start-first',
            message: `${key} of another container on a start-first service: leave it out`,
            path: [...path, key],
        };
    }
    if (definition.stop_grace_period === undefined) {
        const message = 'a start-first service needs stop_grace_period: so long may running requests take to finish';
        yield { rule: 'start-first', message, path };
    }
    for (const key of ['port', 'ready']) {
        // A value that cannot be read has its own finding.
        if (pacs[key] !== undefined || isWritten(definition['x-pacs'], key))
            continue;
        const what = key === 'port' ? 'port (where it answers HTTP)' : 'ready (the path that answers 200 once it can serve)';
        yield { rule: 'start-first', message: `a start-first service needs x-pacs.${what}`, path: [...path, 'x-pacs'] };
    }
    if (pacs.reload !== undefined) {
        const message = 'x-pacs.reload is for core services: a start-first one gets new files with its next instance';
        yield { rule: 'x-pacs', message, path: [...path, 'x-pacs', 'reload'] };
    }
    yield* checkAppNetworks(stack, service, path);
}
function* checkAppNetworks(stack, service, path) {
    const shared = new Set(stack_servicesOf(stack, 'core').flatMap((core) => [...stack_networksOf(core).keys()]));
    const joined = stack_networksOf(service);
    for (const [network, attachment] of joined) {
        const at = [...path, 'networks', network];
        if (shared.has(network) && attachment?.aliases?.length) {
            const message = `aliases on ${network}, which core services share: two instances would answer to one name; leave them out`;
            yield { rule: 'start-first', message, path: at };
        }
        if (attachment && ('ipv4_address' in attachment || 'ipv6_address' in attachment)) {
            const message = `a fixed address on ${network}: two instances cannot have one; leave it out`;
            yield { rule: 'start-first', message, path: at };
        }
        if (!shared.has(network) && hasSubnet(stack.networks.get(network)?.ipam)) {
            const message = `network ${network} of start-first services has a fixed subnet: each instance has a network of its own; leave ipam out`;
            yield { rule: 'start-first', message, path: ['networks', network, 'ipam'] };
        }
    }
    if (service.pacs.route !== undefined && ![...joined.keys()].some((network) => shared.has(network))) {
        const message = `has x-pacs.route, but no network with a core service: nothing that serves the public entry could reach it`;
        yield { rule: 'network', message, path: [...path, 'networks'] };
    }
}
function* checkCore(stack, service, path) {
    for (const name of service.dependsOn) {
        if (stack.services.get(name)?.kind !== 'app')
            continue;
        const message = `depends_on ${name}, a start-first service: core services start before any instance; leave it out`;
        yield { rule: 'depends_on', message, path: [...path, 'depends_on', name] };
    }
    for (const key of ['route', 'assets']) {
        if (service.pacs[key] === undefined)
            continue;
        const message = `x-pacs.${key} is for start-first services (deploy.update_config.order: start-first): nothing routes to a core service`;
        yield { rule: 'x-pacs', message, path: [...path, 'x-pacs', key] };
    }
}
function* checkRoutes(stack) {
    const first = new Map();
    for (const { name, pacs } of stack_servicesOf(stack, 'app')) {
        if (pacs.route === undefined)
            continue;
        const rule = pacs.route.replaceAll(/\s+/g, '');
        const other = first.get(rule);
        if (other === undefined)
            first.set(rule, name);
        else {
            const message = `x-pacs.route ${pacs.route} is that of ${other} too: only one of them would get requests`;
            yield { rule: 'route', message, path: ['services', name, 'x-pacs', 'route'] };
        }
    }
}
function isWritten(pacs, key) {
    return pacs !== null && typeof pacs === 'object' && key in pacs;
}
function hasSubnet(ipam) {
    return JSON.stringify(ipam ?? null).includes('"subnet"');
}

;// CONCATENATED MODULE: ./js/stack/closest.js
/** The name among `names` that `typed` was most likely meant to be: the fewest letters to change, add or take away. */
function closest(typed, names) {
    const ranked = names.map((name) => ({ name, distance: distance(typed, name) }));
    return ranked.sort((a, b) => a.distance - b.distance)[0]?.name ?? '';
}
function distance(from, to) {
    let row = Array.from({ length: to.length + 1 }, (_, column) => column);
    for (let line = 1; line <= from.length; line += 1) {
        const next = [line];
        for (let column = 1; column <= to.length; column += 1) {
            const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
            next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
        }
        row = next;
    }
    return row[to.length] ?? 0;
}

;// CONCATENATED MODULE: ./js/stack/texts.js
/** Every string below `value`, with its path. */
function* texts_texts(value, path) {
    if (typeof value === 'string')
        yield { text: value, path };
    else if (Array.isArray(value))
        for (const [index, item] of value.entries())
            yield* texts_texts(item, [...path, index]);
    else if (value !== null && typeof value === 'object') {
        for (const [key, item] of Object.entries(value))
            yield* texts_texts(item, [...path, key]);
    }
}

;// CONCATENATED MODULE: ./js/stack/check-values.js






// Where a number, a duration or a name must stand that the agent reads before any value is known. `*` is any key or index.
const LITERAL = [
    'services.*.{replicas,scale,stop_grace_period,cpus,cpu_count,cpu_percent,cpu_period,cpu_quota,cpu_shares,mem_limit,mem_reservation,mem_swappiness,memswap_limit,oom_score_adj,pids_limit,shm_size,stop_signal,container_name,network_mode}',
    'services.*.healthcheck.{interval,timeout,retries,start_period,start_interval}',
    'services.*.deploy.{mode,replicas}',
    'services.*.deploy.{update_config,rollback_config,restart_policy}.*',
    'services.*.deploy.resources.{limits,reservations}.{cpus,memory,pids}',
    'services.*.ulimits.*',
    'services.*.ulimits.*.{soft,hard}',
    'services.*.ports.*.{target,published}',
    'services.*.volumes.*.{type,target}',
    'services.*.volumes.*.tmpfs.size',
    'services.*.profiles.*',
    'services.*.x-pacs.**',
    '{networks,volumes}.*.name',
].map((pattern) => new RegExp(`^${patternSource(pattern)}$`));
function patternSource(pattern) {
    return pattern
        .replaceAll('.', '\\.')
        .replaceAll(/\{([^}]*)\}/g, (_all, names) => `(?:${names.replaceAll(',', '|')})`)
        .replaceAll(/\*\*|\*/g, (star) => (star === '**' ? '.*' : '[^.]*'));
}
/** Values that Compose would only look at once the variables are known, and x-pacs, which it never looks at. */
function* checkValues(stack) {
    const shortMounts = [...checkShortMounts(stack)];
    yield* shortMounts;
    yield* checkIncludes(stack);
    const cutToPieces = new Set(shortMounts.map(({ path }) => path[1]));
    for (const service of stack.services.values()) {
        const { volumes, ...rest } = service.definition;
        const readable = cutToPieces.has(service.name) ? rest : { ...rest, volumes };
        yield* checkTexts(readable, ['services', service.name]);
        yield* checkNumbers(service);
        yield* checkXPacs(service);
    }
    for (const kind of ['networks', 'volumes', 'secrets', 'configs']) {
        for (const [name, resource] of stack[kind])
            yield* checkTexts(resource, [kind, name]);
    }
}
function* checkTexts(value, at) {
    for (const { text, path } of texts_texts(value, at)) {
        if (path[2] !== 'x-pacs') {
            const { invalid } = interpolation_interpolationOf(text);
            if (invalid !== null) {
                const message = `"${cut(invalid)}" is no variable that Compose can read; write \${NAME}, or $$ for a dollar sign`;
                yield { rule: 'interpolation', message, path };
                continue;
            }
        }
        if (!hasVariable(text))
            continue;
        if (LITERAL.some((pattern) => pattern.test(path.map(keyText).join('.')))) {
            yield {
                rule: 'literal',
                message: `${lastKeys(path)} is "${cut(text)}": write the value itself here, no variable`,
                path,
            };
        }
        else if (path[2] === 'ports') {
            const message = `port "${cut(text)}" holds a variable: write it as { target: …, published: … } with numbers`;
            yield { rule: 'literal', message, path };
        }
    }
}
function* checkNumbers({ name, definition }) {
    const replicas = definition.deploy?.replicas ?? definition.scale;
    const path = ['services', name, 'deploy', 'replicas'];
    if (replicas !== undefined && !isVariable(replicas) && wholeNumber(replicas) === null) {
        yield { rule: 'literal', message: `replicas is "${replicas}": write a whole number`, path };
    }
    const durations = [
        [['services', name, 'stop_grace_period'], definition.stop_grace_period],
        ...['interval', 'timeout', 'start_period', 'start_interval'].map((key) => [
            ['services', name, 'healthcheck', key],
            field(definition.healthcheck, key),
        ]),
    ];
    for (const [at, value] of durations) {
        if (typeof value !== 'string' || isVariable(value) || durationMs(value) !== null)
            continue;
        yield {
            rule: 'literal',
            message: `${lastKeys(at)} is "${cut(value)}": write a duration like 30s or 1m30s`,
            path: at,
        };
    }
}
function* checkXPacs({ name, definition }) {
    const path = ['services', name, 'x-pacs'];
    const value = definition['x-pacs'];
    if (value === undefined || [...texts_texts(value, path)].some(({ text }) => hasVariable(text)))
        return;
    const parsed = xPacsSchema.safeParse(value);
    for (const issue of parsed.error?.issues ?? []) {
        const inner = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
        const at = ['x-pacs', ...inner].join('.');
        if (issue.code !== 'unrecognized_keys') {
            yield { rule: 'x-pacs', message: `${at}: ${issue.message}`, path: [...path, ...inner] };
            continue;
        }
        const allowed = allowedKeys(inner, value);
        for (const key of issue.keys) {
            const message = `${at} has no key "${cut(key)}"; did you mean ${closest(key, allowed)}? (allowed: ${allowed.join(', ')})`;
            yield { rule: 'x-pacs', message, path: [...path, ...inner, key] };
        }
    }
}
/** Compose splits a short mount at its colons, also at those inside a variable: only the source still shows what was meant. */
function* checkShortMounts(stack) {
    for (const { value } of stack.sources.files) {
        const services = field(value, 'services');
        if (services === null || typeof services !== 'object')
            continue;
        for (const [name, service] of Object.entries(services)) {
            const volumes = field(service, 'volumes');
            if (!stack.services.has(name) || !Array.isArray(volumes))
                continue;
            for (const [index, mount] of volumes.entries()) {
                if (typeof mount !== 'string' || !mount.includes('$'))
                    continue;
                const message = `mount "${cut(mount)}" holds a variable: write it as { type: bind, source: …, target: … }`;
                yield { rule: 'mount', message, path: ['services', name, 'volumes', index] };
            }
        }
    }
}
function* checkIncludes(stack) {
    for (const { value } of stack.sources.files) {
        const include = field(value, 'include');
        for (const [index, entry] of Array.isArray(include) ? include.entries() : []) {
            if (field(entry, 'env_file') === undefined)
                continue;
            const message = 'env_file of an include is no part of a release: leave it out, a server has one .env for all';
            yield { rule: 'env_file', message, path: ['include', index] };
        }
    }
}
function isVariable(value) {
    return typeof value === 'string' && hasVariable(value);
}
function keyText(step) {
    return String(step).replaceAll('.', '_');
}
function lastKeys(path) {
    return path.slice(2).join('.') || path.join('.');
}
/** A value for a message: nobody reads more of it. */
function cut(text) {
    return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

;// CONCATENATED MODULE: ./js/stack/finding.js
/** A finding as one line: `docker-compose.prod.yml:12: backend: …`. */
function formatFinding({ file, line, service, message }) {
    return `${file}:${line}: ${service === null ? '' : `${service}: `}${message}`;
}
/** Reports with the places that they speak of, each once, in the order of the file. */
function locate(stack, reports) {
    const findings = reports.map(({ rule, message, path }) => {
        const service = path[0] === 'services' && typeof path[1] === 'string' ? path[1] : null;
        return { rule, service, message, ...stack.sources.locate(path) };
    });
    const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
    return [...seen.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

;// CONCATENATED MODULE: ./js/stack/check.js





/** All that keeps the agent from running a stack, in the order of the file; none when it is fit. */
function checkStack(stack) {
    const reports = [...checkValues(stack), ...checkServices(stack), ...checkResources(stack), ...checkData(stack)];
    return locate(stack, reports);
}

;// CONCATENATED MODULE: ./js/stack/data.js


/** The services of a stack that hold data, by name. Only for a stack that `checkStack` finds fit. @throws Error for another */
function dataServices(stack) {
    const held = new Map();
    for (const { name, pacs } of servicesOf(stack, 'core'))
        if (pacs.data)
            held.set(name, resolved(stack, pacs.data));
    return held;
}
/** The files of the config revision with the passwords that `x-pacs.data` of a service names, whether it mounts them or not. */
function passwordFiles(stack, service) {
    const data = stack.services.get(service)?.pacs.data;
    const accounts = data?.kind === 'mongodb' ? Object.values(data.users) : data?.kind === 'redis' ? [data] : [];
    return accounts.flatMap(({ password }) => {
        const file = stack.secrets.get(password)?.file;
        return file === undefined ? [] : [normalised(file)];
    });
}
function resolved(stack, data) {
    switch (data.kind) {
        case 'orthanc':
            return { kind: data.kind, volume: volumeName(stack, data.volume) };
        case 'redis':
            return { kind: data.kind, user: accountOf(stack, { name: data.user, password: data.password }) };
        case 'mongodb': {
            const { migrate, backup } = data.users;
            return { ...data, users: { migrate: accountOf(stack, migrate), backup: accountOf(stack, backup) } };
        }
    }
}
function volumeName(stack, volume) {
    const name = stack.volumes.get(volume)?.name;
    if (name === undefined)
        throw new Error(`the stack declares no volume ${volume} with a name`);
    return name;
}
function accountOf(stack, { name, password }) {
    const file = stack.secrets.get(password)?.file;
    if (file === undefined)
        throw new Error(`the stack declares no secret ${password} with a file`);
    return { name, password: normalised(file) };
}

;// CONCATENATED MODULE: ./js/stack/gate/rules.js



/**
 * What a service must not have, or must have, so that one that is broken into stays what it is. Sources: the OWASP Docker Security
 * Cheat Sheet and the CIS Docker Benchmark, section 5 (container runtime).
 */
const GATE_RULES = {
    privileged: {
        reason: 'a privileged container is root on the machine',
        *find({ definition }) {
            if (isOff(definition.privileged))
                return;
            yield { message: 'privileged: leave it out, and name under cap_add what it needs', path: ['privileged'] };
        },
    },
    'docker-socket': {
        reason: 'who talks to the engine is root on the machine',
        *find({ definition }) {
            for (const [index, { type, source = '' }] of (definition.volumes ?? []).entries()) {
                if (type !== 'bind' || !ENGINE_SOCKET.test(source))
                    continue;
                yield {
                    message: `mounts ${source}, through which it reaches the engine: leave it out`,
                    path: ['volumes', index],
                };
            }
        },
    },
    'host-namespace': {
        reason: 'it sees, and can reach, what belongs to the machine and to other services',
        *find({ definition }) {
            for (const key of ['network_mode', 'pid', 'ipc', 'uts', 'userns_mode', 'cgroup']) {
                if (definition[key] !== 'host')
                    continue;
                yield { message: `${key}: host takes away a wall of the container: leave it out`, path: [key] };
            }
        },
    },
    'added-capability': {
        reason: 'each capability is a part of root',
        *find({ definition }) {
            const added = [definition.cap_add ?? []].flat();
            if (added.length === 0)
                return;
            yield {
                message: `cap_add: ${added.join(', ')}: leave it out, or allow it and say what needs it`,
                path: ['cap_add'],
            };
        },
    },
    'new-privileges': {
        reason: 'a setuid program inside could make its caller root',
        *find({ definition }) {
            const options = [definition.security_opt ?? []].flat().map(String);
            if (options.some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option)))
                return;
            yield { message: 'write security_opt: ["no-new-privileges:true"]', path: ['security_opt'] };
        },
    },
    'writable-root': {
        reason: 'what breaks in can change the program that runs',
        *find({ definition }) {
            if (definition.read_only === true)
                return;
            yield { message: 'write read_only: true, and tmpfs for the folders that it writes to', path: ['read_only'] };
        },
    },
    'root-user': {
        reason: 'root inside is one mistake of the kernel away from root outside',
        *find({ definition }) {
            const user = definition.user === undefined ? undefined : String(definition.user);
            if (user === undefined)
                yield { message: 'write user: "UID:GID" of its image, so that it is seen here', path: ['user'] };
            else if (hasVariable(user))
                yield { message: `user is ${user}: write it literally`, path: ['user'] };
            else if (/^(?:0+|root)(?::|$)/.test(user))
                yield { message: `runs as ${user}: give it a user of its own`, path: ['user'] };
        },
    },
    'data-port': {
        reason: 'a database that the network reaches is one password away from everybody',
        *find({ definition, pacs }) {
            for (const [index, port] of (definition.ports ?? []).entries()) {
                const target = Number(field(port, 'target'));
                const isData = DATA_PORTS.has(target) || (pacs.data?.kind === 'mongodb' && pacs.data.port === target);
                const address = field(port, 'host_ip');
                if (!isData || address === '127.0.0.1' || address === '::1')
                    continue;
                const message = `publishes ${target} beyond this machine: leave it out, or write "127.0.0.1:${target}:${target}"`;
                yield { message, path: ['ports', index] };
            }
        },
    },
    'plain-secret': {
        reason: 'docker inspect and every child process show it',
        *find({ definition }) {
            for (const [name, value] of Object.entries(definition_asMap(definition.environment))) {
                const text = value === null || value === undefined ? '' : String(value);
                if (text === '' || !(SECRET_NAME.test(name) || LOGIN_IN_URL.test(text)))
                    continue;
                const message = `${name} is a secret in plain environment: give it as a file, by secrets and ${name}_FILE`;
                yield { message, path: ['environment', name] };
            }
        },
    },
    limits: {
        reason: 'one service that grows takes the machine from all others',
        *find({ definition }) {
            const limits = field(field(definition.deploy, 'resources'), 'limits');
            const missing = [
                ['memory', definition.mem_limit],
                ['cpus', definition.cpus],
                ['pids', definition.pids_limit],
            ].flatMap(([name, old]) => (old === undefined && field(limits, String(name)) === undefined ? String(name) : []));
            if (missing.length === 0)
                return;
            yield {
                message: `has no limit of ${missing.join(', ')}: write deploy.resources.limits`,
                path: ['deploy', 'resources'],
            };
        },
    },
    'health-check': {
        reason: 'nobody learns that it hangs',
        *find({ healthcheck }) {
            if (healthcheck)
                return;
            yield { message: 'write a healthcheck that its image can run', path: ['healthcheck'] };
        },
    },
    'log-rotation': {
        reason: 'its log fills the disk, and a full disk stops the database',
        *find({ definition }) {
            const driver = field(definition.logging, 'driver') ?? 'json-file';
            const isRotated = field(field(definition.logging, 'options'), 'max-size') !== undefined;
            if (driver !== 'json-file' || isRotated)
                return;
            const message = 'write logging: { driver: json-file, options: { max-size: 10m, max-file: "5" } }';
            yield { message, path: ['logging'] };
        },
    },
};
/** The engine's socket, or a folder that holds it. */
const ENGINE_SOCKET = /(?:^\/(?:var\/?|run\/?|var\/run\/?)?$)|(?:docker|containerd|podman)[^/]*\.sock/;
/** Ports on which databases and caches listen: MongoDB, Redis, PostgreSQL, MySQL, Memcached, Elasticsearch, Orthanc's REST API. */
const DATA_PORTS = new Set([27017, 27018, 27019, 6379, 5432, 3306, 11211, 9200, 8042]);
const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|PASS|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?)$/i;
const LOGIN_IN_URL = /:\/\/[^/\s:@]*:[^@\s/]+@/;
function isOff(value) {
    return value === undefined || value === null || value === false || value === 'false';
}

;// CONCATENATED MODULE: ./js/stack/gate/gate.js
// The gate on a Compose file: what would let one service that is broken into take the machine, or one that fails stop all others.
// A team allows a finding where it must, by its rule and with a reason, under x-pacs.allow of the service.



/**
 * Judges a stack by the gate's rules. An allowance that nothing needs is a blocker too: it would hide the next mistake.
 * `checkStack` says whether the agent can run it at all.
 */
function gateStack(stack) {
    const blockers = [];
    const allowed = [];
    for (const service of stack.services.values()) {
        const at = ['services', service.name];
        for (const id of GATE_RULE_IDS) {
            const { reason, find } = GATE_RULES[id];
            const because = service.pacs.allow[id];
            const breaches = [...find(service)];
            for (const { message, path } of breaches) {
                const report = { rule: id, message: `${message} (${reason})`, path: [...at, ...path] };
                if (because === undefined)
                    blockers.push(report);
                else
                    allowed.push({ ...report, because });
            }
            if (because !== undefined && breaches.length === 0) {
                const message = `x-pacs.allow.${id} allows what is not there: take it out`;
                blockers.push({ rule: 'allow', message, path: [...at, 'x-pacs', 'allow', id] });
            }
        }
    }
    return {
        blockers: locate(stack, blockers),
        allowed: allowed.flatMap(({ because, ...report }) => locate(stack, [report]).map((one) => ({ ...one, because }))),
    };
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./js/stack/instance.js

/** What runs: a release with a config revision, `<release id>-<first 8 of the revision>`. */
function instanceName(release, configRevision) {
    return `${release}-${configRevision.slice(0, 8)}`;
}
/** The first 8 hex digits of the SHA-256 of an instance's name: short enough for projects, services and headers. */
function instance_i8(instance) {
    return (0,external_node_crypto_.createHash)('sha256').update(instance).digest('hex').slice(0, 8);
}

;// CONCATENATED MODULE: ./js/stack/load.js





const TIMEOUT_MS = 60_000;
/**
 * Reads a Compose file as Compose itself reads it, with every variable left as it stands.
 * @throws Failure `bad-input` when the file is missing or not valid; `error` when Docker Compose is missing or too old.
 */
async function loadStack(options) {
    const { directory, file = 'docker-compose.prod.yml', env = composeEnvironment(), signal, compose = ['docker', 'compose'], } = options;
    const sources = readSources(directory, file);
    const flags = ['--no-interpolate', '--no-path-resolution', '--no-normalize', '--no-consistency', '--format', 'json'];
    const [program, ...first] = compose;
    const args = [...first, '-f', file, '--project-directory', directory, '--env-file', '/dev/null', 'config', ...flags];
    const result = await (0,lib/* tryRun */.JR)(program, args, {
        env,
        cwd: directory,
        timeout: TIMEOUT_MS,
        ...(signal ? { signal } : {}),
    });
    if (result.code !== 0)
        throw composeFailure(directory, file, result.stderr || result.stdout);
    const printed = schemas/* string */.YjP()
        .transform((text) => JSON.parse(text))
        .safeParse(result.stdout);
    if (!printed.success)
        throw new lib/* Failure */.HR('error', `docker compose config printed no JSON for ${file}`);
    return stackOf({ directory, file, sources }, parseDefinition(file, printed.data));
}
/** Client and home of the user, so that the Compose plugin is found; no variable of the caller can get into a stack. */
function composeEnvironment() {
    const names = ['PATH', 'HOME', 'DOCKER_CONFIG'];
    return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
function composeFailure(directory, file, said) {
    if (/unknown (?:docker )?command|is not a docker command|unknown (?:shorthand )?flag/.test(said)) {
        return new lib/* Failure */.HR('error', `docker compose is missing or older than 2.26: install Debian's docker-compose or Docker's docker-compose-plugin (${firstLine(said)})`);
    }
    return (0,lib/* badInput */.AN)(`${file} is refused by docker compose: ${firstLine(said.replaceAll(`${directory}/`, ''))}`);
}
function firstLine(text) {
    return text.trim().split('\n')[0] ?? '';
}

;// CONCATENATED MODULE: ./js/stack/render.js


/** The names of the containers of a stack's service; none when it is not part of what was rendered. */
function containerNames(rendered, service) {
    return rendered.services.find((one) => one.service === service)?.containers ?? [];
}
/**
 * `ref@digest` of a service's image in a release.
 * @throws Failure `refused` when the release has none
 */
function render_pinnedImage(images, service) {
    const image = images[service];
    if (!image)
        throw refused(`the release holds no image for service ${service}: build and push it again from this stack`);
    return `${image.ref}@${image.digest}`;
}
// What only a build, a laptop or the stack's own rules read, and what the renderers write anew.
const LEFT_OUT = new Set(['build', 'develop', 'profiles', 'pull_policy', 'depends_on', 'env_file', 'deploy', 'image']);
/** The parts of a service's definition that stand in a rendered file as they do in the team's. */
function render_keptDefinition({ definition }) {
    const kept = Object.entries(definition).filter(([key]) => !LEFT_OUT.has(key) && !key.startsWith('x-'));
    const { update_config: _update, rollback_config: _rollback, ...deploy } = definition.deploy ?? {};
    return { ...Object.fromEntries(kept), ...(Object.keys(deploy).length === 0 ? {} : { deploy }) };
}
/** Mounts with the stack's relative paths laid out by `place`; a file that is not there is an error, never a new empty directory. */
function render_mapMounts(mounts, place) {
    return mounts.map((mount) => {
        if (mount.type !== 'bind' || mount.source === undefined)
            return mount;
        const source = mapPath(mount.source, place);
        return source === mount.source
            ? mount
            : { ...mount, source, bind: { ...(mount.bind ?? {}), create_host_path: false } };
    });
}
/** A secret or config as declared, its file laid out by `place`. */
function render_mapResource(resource, place) {
    return resource.file === undefined ? resource : { ...resource, file: mapPath(resource.file, place) };
}
/** The definitions of a service's dependencies whose names `rename` knows. */
function render_mapDependencies({ definition }, rename) {
    const kept = Object.entries(definition.depends_on ?? {}).flatMap(([service, condition]) => {
        const name = rename(service);
        return name === null ? [] : [[name, condition]];
    });
    return kept.length === 0 ? {} : { depends_on: Object.fromEntries(kept) };
}
/** The named volumes that services mount. */
function render_usedVolumes(stack, services) {
    const used = services.flatMap(({ definition }) => (definition.volumes ?? []).flatMap(({ type, source }) => type === 'volume' && source !== undefined ? [source] : []));
    return Object.fromEntries([...stack.volumes].filter(([name]) => used.includes(name)));
}
/** A grant with the target that it has without one. */
function render_explicitGrant(kind, grant) {
    return {
        ...grant,
        target: grant.target ?? (kind === 'secrets' ? `/run/secrets/${grant.source}` : `/${grant.source}`),
    };
}

;// CONCATENATED MODULE: ./js/stack/render-app.js






/**
 * The Compose project of one instance of the app. Every name in it carries the instance's i8, so that two releases stand side
 * by side and neither answers for the other; plain service names live on the instance's own networks only.
 * @throws Failure `refused` when the release lacks an image
 */
function renderApp(stack, target) {
    const suffix = i8(target.instance);
    const project = `pacs-${suffix}`;
    const apps = servicesOf(stack, 'app');
    const names = new Map(apps.map(({ name }) => [name, `${name}-${suffix}`]));
    const labels = { 'pacs.instance': target.instance, 'pacs.release': target.release };
    const networks = new Networks(stack, suffix, labels);
    const place = (path) => join(isConfigPath(path) ? target.configDirectory : target.stackDirectory, path);
    const services = apps.map((service) => {
        const { container_name: _fixed, networks: _declared, ...kept } = keptDefinition(service);
        const definition = {
            ...kept,
            image: pinnedImage(target.images, service.name),
            labels: { ...asMap(service.definition.labels), ...labels, 'pacs.service': service.name },
            networks: networks.of(service),
            ...mapDependencies(service, (name) => names.get(name) ?? null),
            ...(service.definition.volumes ? { volumes: mapMounts(service.definition.volumes, place) } : {}),
        };
        return [`${service.name}-${suffix}`, definition];
    });
    const resources = (kind) => {
        const used = new Set(apps.flatMap(({ definition }) => (definition[kind] ?? []).map(({ source }) => source)));
        const declared = [...stack[kind]].filter(([name]) => used.has(name));
        return Object.fromEntries(declared.map(([name, resource]) => [name, mapResource(resource, place)]));
    };
    const document = {
        services: Object.fromEntries(services),
        networks: networks.declared,
        volumes: usedVolumes(stack, apps),
        secrets: resources('secrets'),
        configs: resources('configs'),
    };
    return {
        project,
        document,
        services: apps.map(({ name, replicas }) => ({
            name: `${name}-${suffix}`,
            service: name,
            replicas,
            containers: Array.from({ length: replicas }, (_, index) => `${project}-${name}-${suffix}-${index + 1}`),
        })),
    };
}
/** The networks of an instance: shared ones are the core's and only joined, all others are its own and go with it. */
class Networks {
    /** The top-level networks of the document. */
    declared = {};
    #stack;
    #suffix;
    #labels;
    #shared;
    /** Whether another container of the instance could ask for a service by its plain name. */
    #hasNeighbours;
    constructor(stack, suffix, labels) {
        this.#stack = stack;
        this.#suffix = suffix;
        this.#labels = labels;
        this.#shared = new Set(servicesOf(stack, 'core').flatMap((service) => [...networksOf(service).keys()]));
        this.#hasNeighbours = servicesOf(stack, 'app').reduce((sum, { replicas }) => sum + replicas, 0) > 1;
    }
    /**
     * What a service joins: the networks that it names, and the instance's own default network, where its neighbours find it by its
     * plain name. One without neighbours does without: making a network takes as long as making a container.
     */
    of(service) {
        const joined = {};
        if (this.#hasNeighbours)
            this.#joinOwn(joined, 'default', { aliases: [service.name] });
        for (const [network, attachment] of networksOf(service)) {
            if (this.#shared.has(network)) {
                const key = network === 'default' ? 'default-shared' : network;
                const { aliases: _mixing, ...rest } = attachment ?? {};
                joined[key] = Object.keys(rest).length === 0 ? null : rest;
                this.declared[key] = { name: this.#definition(network).name ?? network, external: true };
            }
            else {
                const aliases = [...new Set([service.name, ...(attachment?.aliases ?? [])])];
                this.#joinOwn(joined, network, { ...attachment, aliases });
            }
        }
        return joined;
    }
    #joinOwn(joined, network, attachment) {
        joined[network] = attachment;
        this.declared[network] = this.#own(network);
    }
    #definition(network) {
        return this.#stack.networks.get(network) ?? {};
    }
    #own(network) {
        const definition = network === 'default' && this.#shared.has(network) ? {} : this.#definition(network);
        const name = network === 'default' ? `pacs-${this.#suffix}` : `${definition.name ?? network}-${this.#suffix}`;
        return { ...definition, name, labels: { ...labelsOf(definition), ...this.#labels } };
    }
}
function labelsOf(definition) {
    const { labels } = definition;
    if (Array.isArray(labels))
        return asMap(labels.map(String));
    return labels !== null && typeof labels === 'object' ? { ...labels } : {};
}

;// CONCATENATED MODULE: ./js/stack/render-core.js



const PROJECT = 'pacs';
/**
 * The Compose project of the core services, as declared but for images by digest and files in each service's own directory.
 * @throws Failure `refused` when the release lacks an image
 */
function renderCore(stack, target) {
    const core = servicesOf(stack, 'core');
    const names = new Set(core.map(({ name }) => name));
    const document = {
        services: {},
        networks: usedNetworks(stack, core),
        volumes: usedVolumes(stack, core),
        secrets: {},
        configs: {},
    };
    for (const service of core) {
        const place = (path) => join(target.mountDirectory(service.name, path), path);
        const definition = {
            ...keptDefinition(service),
            image: pinnedImage(target.images, service.name),
            ...mapDependencies(service, (name) => (names.has(name) ? name : null)),
            ...(service.definition.volumes ? { volumes: mapMounts(service.definition.volumes, place) } : {}),
        };
        // Compose declares a secret once for all; here each service has its own copy of the file, hence a key of its own.
        for (const kind of ['secrets', 'configs']) {
            const grants = service.definition[kind] ?? [];
            for (const { source } of grants) {
                const resource = stack[kind].get(source);
                if (resource)
                    document[kind][`${service.name}.${source}`] = mapResource(resource, place);
            }
            if (grants.length === 0)
                continue;
            definition[kind] = grants
                .map((grant) => explicitGrant(kind, grant))
                .map((grant) => ({ ...grant, source: `${service.name}.${grant.source}` }));
        }
        document.services[service.name] = definition;
    }
    return {
        project: PROJECT,
        document,
        services: core.map((service) => ({
            name: service.name,
            service: service.name,
            replicas: service.replicas,
            containers: containersOf(service),
        })),
    };
}
function containersOf({ name, replicas, definition }) {
    if (definition.container_name !== undefined)
        return [definition.container_name];
    return Array.from({ length: replicas }, (_, index) => `${PROJECT}-${name}-${index + 1}`);
}
function usedNetworks(stack, services) {
    const used = new Set(services.flatMap((service) => [...networksOf(service).keys()]));
    return Object.fromEntries([...stack.networks].filter(([name]) => used.has(name)));
}

;// CONCATENATED MODULE: ./js/stack/variables.js



/** Every variable of the stack, by name, at the place of its first use. */
function variablesOf(stack) {
    const found = new Map();
    for (const service of stack.services.values()) {
        for (const use of usesOf(stack, service)) {
            const { file, line } = stack.sources.locate(use.path);
            const known = found.get(use.name);
            if (!known) {
                const { path: _path, ...rest } = use;
                found.set(use.name, { ...rest, services: [service.name], file, line });
                continue;
            }
            known.required ||= use.required;
            known.server ||= use.server;
            if (known.default === undefined && use.default !== undefined)
                known.default = use.default;
            if (!known.services.includes(service.name))
                known.services.push(service.name);
            if (file === known.file && line < known.line)
                known.line = line;
        }
    }
    const all = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return all.map((variable) => ({ ...variable, services: variable.services.toSorted() }));
}
function* usesOf(stack, service) {
    const { name, definition } = service;
    for (const { text, path } of texts(definition, ['services', name])) {
        const key = path[2];
        if (key === 'x-pacs' || (typeof key === 'string' && key.startsWith('x-')))
            continue;
        yield* usesIn(text, path, key !== 'image' && key !== 'build');
    }
    // A name without a value passes the variable on when there is one.
    for (const [variable, value] of Object.entries(asMap(definition.environment))) {
        if (value !== null)
            continue;
        yield { name: variable, required: false, server: true, path: ['services', name, 'environment', variable] };
    }
    for (const kind of ['networks', 'volumes', 'secrets', 'configs']) {
        for (const key of resourcesOf(service, kind)) {
            const resource = stack[kind].get(key);
            for (const { text, path } of texts(resource, [kind, key]))
                yield* usesIn(text, path, true);
            const environment = resource?.environment;
            if (typeof environment === 'string') {
                yield { name: environment, required: true, server: true, path: [kind, key, 'environment'] };
            }
        }
    }
}
function* usesIn(text, path, server) {
    for (const { name, operator, operand } of interpolationOf(text).uses) {
        const required = operator === '' || operator.endsWith('?');
        yield { name, required, ...(operator.endsWith('-') ? { default: operand } : {}), server, path };
    }
}
function resourcesOf({ definition }, kind) {
    if (kind === 'networks')
        return Object.keys(definition.networks ?? { default: null });
    return (definition[kind] ?? []).flatMap(({ source }) => (source === undefined ? [] : [source]));
}

;// CONCATENATED MODULE: ./js/stack/index.js

















/***/ })

};
