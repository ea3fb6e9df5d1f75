export const id = 317;
export const ids = [317];
export const modules = {

/***/ 1346:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  rd: () => (/* reexport */ buildImages),
  Rz: () => (/* reexport */ gateSarif),
  Ms: () => (/* reexport */ pushRelease),
  kF: () => (/* reexport */ readDraft),
  d$: () => (/* reexport */ writeDraft)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/lib/index.js + 7 modules
var lib = __webpack_require__(3012);
// EXTERNAL MODULE: ./js/stack/index.js + 26 modules
var js_stack = __webpack_require__(6094);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var js_release = __webpack_require__(8880);
;// CONCATENATED MODULE: ./js/images/tar.js
const BLOCK = 512;
/** Collects the regular files of at most `largest` bytes whose path is wanted; everything else passes unread. */
function collectTarEntries(isWanted, largest) {
    const entries = new Map();
    let pending = Buffer.alloc(0);
    let skip = 0;
    const write = (bytes) => {
        pending = pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([pending, bytes]);
        for (;;) {
            const skipped = Math.min(skip, pending.length);
            pending = pending.subarray(skipped);
            skip -= skipped;
            if (skip > 0 || pending.length < BLOCK)
                return;
            const size = sizeOf(pending);
            const path = pathOf(pending);
            const padded = Math.ceil(size / BLOCK) * BLOCK;
            if (isRegular(pending) && size <= largest && isWanted(path)) {
                if (pending.length < BLOCK + padded)
                    return;
                entries.set(path, Buffer.from(pending.subarray(BLOCK, BLOCK + size)));
            }
            skip = BLOCK + padded;
        }
    };
    return { write, entries };
}
// A header without a name is one of the zero blocks at the end.
function isRegular(header) {
    return (header[156] === 0x30 || header[156] === 0) && header[0] !== 0;
}
function pathOf(header) {
    const text = (from, to) => header.toString('utf8', from, to).replace(/\0.*$/s, '');
    const prefix = text(257, 262) === 'ustar' ? text(345, 500) : '';
    return `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`.replace(/^\.\//, '');
}
// Octal text, or a big-endian number with the first bit set for files of 8 GiB and more.
function sizeOf(header) {
    const field = header.subarray(124, 136);
    if (((field[0] ?? 0) & 0x80) !== 0)
        return Number(field.readBigUInt64BE(4));
    return Number.parseInt(field.toString('ascii').replaceAll(/[\0 ]/g, '') || '0', 8);
}

;// CONCATENATED MODULE: ./js/images/saved-image.js




/** Manifests, indexes and configurations are smaller than this; layers that are too are looked at in vain. */
const LARGEST_DOCUMENT = 1024 * 1024;
const saveManifest = schemas/* tuple */.PVZ([schemas/* object */.Ikc({ Config: schemas/* string */.YjP() })]).rest(schemas/* unknown */.L5J());
const index = schemas/* object */.Ikc({ manifests: schemas/* array */.YOg(schemas/* object */.Ikc({ mediaType: schemas/* string */.YjP() })) });
const manifest = schemas/* object */.Ikc({ config: schemas/* object */.Ikc({ digest: js_release/* digestSchema */.er }), layers: schemas/* array */.YOg(schemas/* unknown */.L5J()) });
/**
 * Reads config (and manifest) of image `name` from the engine; the image streams through and is not kept.
 * @throws Failure `error` when the engine does not give it out.
 */
async function readSavedImage(name, options) {
    const isDocument = (path) => /^(manifest|index)\.json$|^blobs\/sha256\/[0-9a-f]{64}$/.test(path);
    const archive = collectTarEntries(isDocument, LARGEST_DOCUMENT);
    const saved = await (0,lib/* tryRun */.JR)('docker', ['save', name], { ...options, onBytes: archive.write });
    if (saved.code !== 0)
        throw new lib/* Failure */.HR('error', `docker save ${name} failed: ${saved.stderr.trim()}`);
    return describeSavedImage(name, archive.entries);
}
/** Finds config and manifest among the documents of a `docker save` archive. */
function describeSavedImage(name, documents) {
    const main = saveManifest.safeParse(json(documents.get('manifest.json')));
    // `<hex>.json` from engines before 25, `blobs/sha256/<hex>` since.
    const hex = main.success ? /([0-9a-f]{64})(?:\.json)?$/.exec(main.data[0].Config)?.[1] : undefined;
    if (hex === undefined)
        throw new lib/* Failure */.HR('error', `docker save ${name} gave no image: its archive has no manifest.json`);
    const config = js_release/* digestSchema */.er.parse(`sha256:${hex}`);
    const top = index.safeParse(json(documents.get('index.json')));
    const isIndex = top.success && top.data.manifests.some(({ mediaType }) => /index|manifest\.list/.test(mediaType));
    return { config, manifestInIndex: isIndex ? manifestOf(name, config, documents) : null };
}
function manifestOf(name, config, documents) {
    for (const [path, bytes] of documents) {
        const parsed = manifest.safeParse(json(bytes));
        if (parsed.success && parsed.data.config.digest === config) {
            return js_release/* digestSchema */.er.parse(`sha256:${path.slice('blobs/sha256/'.length)}`);
        }
    }
    throw new lib/* Failure */.HR('error', `docker save ${name} holds no manifest that names ${config}`);
}
function json(bytes) {
    // Most small blobs are compressed layers: no JSON, and no error.
    if (bytes?.[0] !== 0x7b && bytes?.[0] !== 0x5b)
        return undefined;
    try {
        return JSON.parse(bytes.toString('utf8'));
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./js/images/local-image.js





/** Looks `name` up in the engine; null when it has no such image. */
async function inspectLocalImage(name, options) {
    const { env, signal } = options;
    const format = '{{.Id}} {{.Os}}/{{.Architecture}}';
    const { code, stdout } = await (0,lib/* tryRun */.JR)('docker', ['image', 'inspect', '--format', format, name], { env, signal });
    const [image, platform] = stdout.trim().split(' ');
    if (code !== 0 || platform === undefined)
        return null;
    return { image: js_release/* digestSchema */.er.parse(image), platform };
}
/** What `--metadata-file` of buildx tells; some builders leave the config out. */
const metadataSchema = schemas/* object */.Ikc({ 'containerimage.config.digest': js_release/* digestSchema */.er.optional() });
/** Looks up what buildx has just loaded into the engine as `local`. @throws Failure `error` when it is not there. */
async function inspectBuiltImage(local, metadataFile, options) {
    const found = await inspectLocalImage(local, options);
    if (!found)
        throw new lib/* Failure */.HR('error', `buildx succeeded, but the engine has no image ${local}`);
    const said = metadataSchema.parse(JSON.parse(await (0,promises_.readFile)(metadataFile, 'utf8')));
    const config = said['containerimage.config.digest'] ?? (await readSavedImage(local, options)).config;
    return { ...found, config };
}

;// CONCATENATED MODULE: ./js/images/build-image.js



/** Builds the image of one service for one platform and loads it into the engine. @throws Failure `error` with BuildKit's own reason. */
async function buildImage(source, context) {
    const { prefix, commit, env, redact, log, signal } = context;
    const local = `${prefix}/${source.service}:${commit}`;
    const metadata = (0,external_node_path_.join)(context.metadataDirectory, `${source.service}.json`);
    const args = buildArguments(source, context, local, metadata);
    const { code, stderr } = await (0,lib/* tryRun */.JR)('docker', args, { env, signal, onLine: (line) => log(redact(line)) });
    if (code !== 0)
        throw new lib/* Failure */.HR('error', `build of ${source.service} failed: ${redact(reasonOf(stderr))}`);
    const built = await inspectBuiltImage(local, metadata, context);
    return { local, ...built, verdict: null, built: true };
}
function buildArguments(source, { commit, version, created, secrets, platform }, local, metadata) {
    const args = {
        ...source.args,
        COMMIT: commit,
        ...(version === undefined ? {} : { VERSION: version }),
        CREATED: created.toISOString(),
        SOURCE_DATE_EPOCH: String(created.getTime() / 1000),
    };
    const labels = {
        'org.opencontainers.image.revision': commit,
        ...(version === undefined ? {} : { 'org.opencontainers.image.version': version }),
        'org.opencontainers.image.created': created.toISOString(),
    };
    const each = (option, values) => Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
    return [
        ...['buildx', 'build', '--load', '--progress', 'plain', '--provenance=false', '--sbom=false'],
        ...['--platform', platform, '--tag', local, '--metadata-file', metadata, '--file', source.dockerfile],
        ...(source.target === undefined ? [] : ['--target', source.target]),
        ...each('--build-arg', args),
        ...each('--label', labels),
        ...Object.entries(secrets).flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]),
        source.context,
    ];
}
function reasonOf(stderr) {
    const lines = stderr.split('\n');
    return (lines.findLast((line) => line.startsWith('ERROR:'))?.slice('ERROR: '.length) ?? lines.at(-1) ?? 'no reason given');
}

;// CONCATENATED MODULE: ./js/images/checkout.js

/**
 * Makes sure that the checkout in `directory` is at `commit`, so that what is built from it may carry that name.
 * @returns when the commit was made.
 * @throws Failure `bad-input` when it is not, or git cannot tell.
 */
async function checkCheckout(directory, commit, options) {
    if (!/^[0-9a-f]{40}$/.test(commit))
        throw (0,lib/* badInput */.AN)(`commit: "${commit}" is no commit (40 hex digits)`);
    // In a job container the checkout often belongs to another user, which git distrusts.
    const args = ['-c', `safe.directory=${directory}`, '-C', directory, 'log', '-1', '--format=%H %ct'];
    const { code, stdout, stderr } = await (0,lib/* tryRun */.JR)('git', args, options);
    const [head, seconds] = stdout.trim().split(' ');
    if (code !== 0 || head === undefined || seconds === undefined) {
        throw (0,lib/* badInput */.AN)(`${directory} is no git checkout (${stderr.trim().split('\n')[0]}): check the repository out first`);
    }
    if (head !== commit) {
        throw (0,lib/* badInput */.AN)(`${directory} is at commit ${head}, not at ${commit}: check out the commit that is to be released`);
    }
    return new Date(Number(seconds) * 1000);
}

;// CONCATENATED MODULE: ./js/images/engine.js



const GIB = 1024 ** 3;
/** A build of a small app with its base images takes about this much; BuildKit's errors for a full disk are obscure. */
const BUILD_SPACE = 2 * GIB;
/**
 * Checks that a build can run here: docker, an engine that answers, buildx, and `space` bytes free where the engine keeps its images.
 * @throws Failure `refused`, one line that says what is missing.
 */
async function checkEngine(options) {
    const { env, signal, space } = options;
    const docker = (args) => (0,lib/* tryRun */.JR)('docker', args, { env, signal, timeout: 30_000 });
    const format = '{{.Server.Os}}/{{.Server.Arch}}';
    const version = await docker(['version', '--format', format]).catch((cause) => {
        signal.throwIfAborted();
        throw (0,lib/* refused */.J5)(`docker could not be run here: install Docker with buildx (${String(cause)})`);
    });
    if (version.code !== 0)
        throw (0,lib/* refused */.J5)(`the Docker engine does not answer: ${lastLine(version.stderr)}`);
    const buildx = await docker(['buildx', 'version']);
    if (buildx.code !== 0)
        throw (0,lib/* refused */.J5)('docker buildx is missing: install the package docker-buildx (or docker-buildx-plugin)');
    const [, major = '1', minor = '0'] = /\bv?(\d+)\.(\d+)\.\d+/.exec(buildx.stdout) ?? [];
    if (major === '0' && Number(minor) < 10) {
        throw (0,lib/* refused */.J5)(`docker buildx is ${major}.${minor}, too old to build without attestations: install 0.10 or newer`);
    }
    const info = (await docker(['info', '--format', '{{json .DriverStatus}} {{.DockerRootDir}}'])).stdout.trim();
    const [, status = '', root = ''] = /^(\S.*) (\/.*)$/.exec(info) ?? [];
    await checkSpace(root, space);
    return { platform: version.stdout.trim(), host: await endpoint(docker, env), namesByConfig: namesByConfig(status) };
}
const driverStatus = schemas/* array */.YOg(schemas/* array */.YOg(schemas/* string */.YjP()));
/** Every store but containerd's lists what its driver is about (`Backing Filesystem`, …); where nothing is said, nothing is assumed. */
function namesByConfig(status) {
    const parsed = driverStatus.safeParse(parseJson(status));
    return parsed.success && parsed.data.length > 0 && !parsed.data.flat().some((text) => text.includes('containerd'));
}
function parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return null;
    }
}
async function checkSpace(root, space) {
    // The engine may be on another machine, or in one of Docker Desktop: then nobody here can see its disk.
    const disk = await (0,promises_.statfs)(root).catch(() => null);
    if (disk === null)
        return;
    const free = disk.bavail * disk.bsize;
    if (free < space) {
        throw (0,lib/* refused */.J5)(`the disk of ${root} has ${inGib(free)} GiB free and a build needs ${inGib(space)} GiB: make room (docker system prune) or use a larger runner`);
    }
}
// A private DOCKER_CONFIG hides the context that the user chose, so its endpoint is carried by DOCKER_HOST.
async function endpoint(docker, env) {
    if (env.DOCKER_HOST)
        return env.DOCKER_HOST;
    const context = await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']);
    return context.code === 0 ? context.stdout.trim() : '';
}
function inGib(bytes) {
    return (bytes / GIB).toFixed(1);
}
function lastLine(text) {
    return text.trim().split('\n').at(-1) ?? '';
}

;// CONCATENATED MODULE: ./js/images/gate.js



/** @throws Failure `refused` with every finding of the gate that nobody allowed, one per line. */
function passGate({ blockers }) {
    if (blockers.length === 0)
        return;
    const lines = blockers.map((finding) => `${(0,js_stack/* formatFinding */.tf)(finding)} [${finding.rule}]`);
    const how = 'mend each, or allow it by x-pacs.allow of its service: { <rule>: why } (docs/stack.md)';
    throw (0,lib/* refused */.J5)(`the Compose file has ${blockers.length} findings: ${how}\n${lines.join('\n')}`);
}
/** What the gate found, for code scanning; what a team allows is there as dismissed. @param folder of the Compose file in the checkout */
function gateSarif(folder, { blockers, allowed }) {
    const result = ({ rule, message, file, line, service }) => {
        return { id: rule, level: 'error', file: (0,external_node_path_.join)(folder, file), line, text: `${service}: ${message}` };
    };
    const dismissed = allowed.map((one) => ({ ...result(one), because: one.because }));
    return (0,lib/* sarifLog */.ec)('pacs-deploy stack check', [...blockers.map(result), ...dismissed]);
}

;// CONCATENATED MODULE: ./js/images/plan.js






/** Build arguments that every build gets; a value of the Compose file for one of them is ignored. */
const OWN_ARGS = ['COMMIT', 'VERSION', 'CREATED', 'SOURCE_DATE_EPOCH'];
const SUPPORTED = new Set(['context', 'dockerfile', 'target', 'args']);
/**
 * Says for each service of a stack how its image comes about.
 * @param directory the checkout: nothing outside it gets into a build.
 * @throws Failure `bad-input` with everything that is wrong, one per line.
 */
async function planImages(stack, directory, prefix) {
    const problems = new lib/* Problems */.Zw();
    if (!js_release/* repositorySchema */._L.safeParse(prefix).success) {
        problems.add(`prefix: "${prefix}" is no repository with its registry (like ghcr.io/org/pacs)`);
    }
    for (const finding of (0,js_stack/* checkStack */.hM)(stack))
        problems.add((0,js_stack/* formatFinding */.tf)(finding));
    const sources = [];
    for (const service of stack.services.values()) {
        const complain = (message) => problems.add(`${stack.file}: ${service.name}: ${message}`);
        if (service.name === 'release' || !js_release/* repositorySchema */._L.safeParse(`ghcr.io/${service.name}`).success) {
            complain('this name cannot be the name of an image beside the release image; rename the service');
        }
        const source = service.build
            ? await planBuild(stack, directory, service, service.build, complain)
            : planPull(stack, service, complain);
        if (source)
            sources.push(source);
    }
    if (sources.length === 0)
        problems.add(`${stack.file} has no services: nothing to build`);
    problems.throwIfAny();
    return sources;
}
function planPull(stack, service, complain) {
    const { image } = service;
    if (image === undefined) {
        complain('has neither image nor build; give it one');
        return null;
    }
    const builder = [...stack.services.values()].find((other) => other.build && other.image === image);
    if (builder)
        return { service: service.name, kind: 'same', as: builder.name };
    if (hasVariable(image)) {
        complain(`its image ${image} holds a variable: write it literally, so that every release of a commit runs the same`);
        return null;
    }
    return { service: service.name, kind: 'pull', reference: image };
}
const buildKeys = schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J());
async function planBuild(stack, directory, service, build, complain) {
    const given = buildKeys.safeParse(service.definition.build);
    const unknown = Object.keys(given.success ? given.data : {}).filter((key) => !SUPPORTED.has(key) && !key.startsWith('x-'));
    if (unknown.length > 0) {
        complain(`build.${unknown.join(', build.')} cannot be had here: use context, dockerfile, target and args`);
    }
    const paths = [build.context, build.dockerfile, build.target ?? ''];
    if (paths.some(hasVariable)) {
        complain('build: context, dockerfile and target cannot hold variables; write them literally');
        return null;
    }
    if (/^[a-z+]+:\/\/|^git@|^github\.com\//.test(build.context)) {
        complain(`build.context ${build.context} is not in the checkout: a release is built from its commit alone`);
        return null;
    }
    const context = (0,external_node_path_.resolve)(stack.directory, build.context);
    const dockerfile = (0,external_node_path_.resolve)(context, build.dockerfile);
    for (const [what, path] of [
        ['build.context', context],
        ['build.dockerfile', dockerfile],
    ]) {
        const inside = (0,external_node_path_.relative)(directory, path);
        if (inside.startsWith('..') || (0,external_node_path_.isAbsolute)(inside))
            complain(`${what} ${path} lies outside the checkout ${directory}`);
        else if (!(await exists(path)))
            complain(`${what} ${inside || '.'} does not exist in the checkout`);
    }
    return {
        service: service.name,
        kind: 'build',
        context,
        dockerfile,
        ...(build.target === undefined ? {} : { target: build.target }),
        args: argsOf(build.args, complain),
    };
}
function argsOf(args, complain) {
    const own = new Set(OWN_ARGS);
    const literal = {};
    for (const [name, value] of Object.entries(args)) {
        if (own.has(name))
            continue;
        if (value === null || hasVariable(value)) {
            complain(`build.args.${name} takes its value from the environment: one image runs everywhere, so write a literal value or give it at run time`);
        }
        else
            literal[name] = value.replaceAll('$$', '$');
    }
    return literal;
}
function hasVariable(text) {
    return text.replaceAll('$$', '').includes('$');
}
async function exists(path) {
    return (0,promises_.access)(path).then(() => true, () => false);
}

;// CONCATENATED MODULE: ./js/images/progress.js

/** Milliseconds of silence after which long work says that it goes on. */
const SILENCE = 4500;
/** Lines of one of several works at a time: each with its name in front, and a sign of life where nothing is said for 4.5 s. */
async function withProgress(name, log, work) {
    const begun = Date.now();
    let last = '';
    const beat = setInterval(() => {
        log(`${name} | … ${(0,lib/* formatDuration */.a3)(Date.now() - begun)}${last === '' ? '' : `, since: ${last}`}`);
    }, SILENCE);
    try {
        return await work((line) => {
            if (line.trim() === '')
                return;
            last = line;
            beat.refresh();
            log(`${name} | ${line}`);
        });
    }
    finally {
        clearInterval(beat);
    }
}

;// CONCATENATED MODULE: ./js/images/pull-image.js




/**
 * Pulls a vendor's image for one platform.
 * @throws Failure `bad-input` when there is none of that name and platform, `refused` or `error` when the registry does not give it.
 */
async function pullImage(source, context) {
    const { reference } = source;
    await pull(source.service, reference, context);
    const { config, manifestInIndex } = await describe(source.service, reference, context);
    // One image store keeps the vendor's index of platforms and would push it as such; the manifest inside it is one image.
    const local = manifestInIndex === null ? reference : `${repositoryOf(reference)}@${manifestInIndex}`;
    if (manifestInIndex !== null)
        await pull(source.service, local, context);
    const found = await inspectLocalImage(local, context);
    if (!found)
        throw vanished(source.service, local);
    if (found.platform !== context.platform) {
        throw (0,lib/* badInput */.AN)(`${source.service}: ${reference} is there for ${found.platform} only, the release is for ${context.platform}`);
    }
    return { local, image: found.image, config, platform: context.platform, verdict: null, built: false };
}
/** The configuration of what was pulled; push compares it with the registry's own answer. */
async function describe(service, reference, context) {
    // Writing a vendor's image out takes seconds, and the answer is known where the engine names images by it.
    if (!context.namesByConfig)
        return readSavedImage(reference, context);
    const found = await inspectLocalImage(reference, context);
    if (!found)
        throw vanished(service, reference);
    return { config: found.image, manifestInIndex: null };
}
function vanished(service, local) {
    return (0,lib/* refused */.J5)(`${service}: the engine has no ${local} right after it was pulled; is something pruning here?`);
}
async function pull(service, reference, context) {
    const args = ['pull', '--platform', context.platform, reference];
    const pulled = await (0,js_release/* askRegistry */.rF)('pull', reference, args, { ...context, onLine: context.log });
    if (typeof pulled !== 'string')
        throw (0,lib/* badInput */.AN)(`${service}: there is no image ${reference}: is its name or tag right?`);
}
/** The name of an image without tag and digest. */
function repositoryOf(reference) {
    return reference.replace(/@.*$/, '').replace(/:[^/:]+$/, '');
}

;// CONCATENATED MODULE: ./js/images/side-by-side.js
/**
 * Runs `work` over `items`, at most `limit` at a time, in order.
 * @returns the results in the order of the items.
 * @throws what the first failing work threw, once all that had begun has ended; nothing more is begun after it.
 */
async function sideBySide(limit, items, work) {
    const results = [];
    const failures = [];
    const waiting = items.entries();
    const lane = async () => {
        for (const [index, item] of waiting) {
            if (failures.length > 0)
                return;
            try {
                results[index] = await work(item);
            }
            catch (thrown) {
                failures.push(thrown);
            }
        }
    };
    await Promise.all(Array.from({ length: limit }, lane));
    if (failures.length > 0)
        throw failures[0];
    return results;
}

;// CONCATENATED MODULE: ./js/images/build.js













/** Builds, and pulls beside them, that run at a time: each is parallel in itself. */
const AT_A_TIME = 2;
/**
 * Builds every image of the stack that has `build:` and pulls the vendors' ones, for the engine's platform.
 * @throws Failure `bad-input` or `refused` before anything was built, `error` when a build or a pull failed.
 */
async function buildImages(options) {
    const { directory, composeFile, prefix, commit, env, log, signal } = options;
    const path = (0,external_node_path_.join)(directory, composeFile);
    const created = await checkCheckout(directory, commit, options);
    const secrets = await checkSecrets(options);
    const engine = await checkEngine({ env, signal, space: BUILD_SPACE });
    const stack = await (0,js_stack/* loadStack */.fg)({ directory: (0,external_node_path_.dirname)(path), file: (0,external_node_path_.basename)(path), env, signal });
    const sources = await planImages(stack, directory, prefix);
    const gate = (0,js_stack/* gateStack */.aX)(stack);
    await options.onGate(gate);
    passGate(gate);
    const redact = (0,lib/* redactor */.$p)(await Promise.all(Object.values(secrets.values).map((file) => (0,promises_.readFile)(file, 'utf8'))));
    const scratch = await (0,promises_.mkdtemp)((0,external_node_path_.join)((0,external_node_os_.tmpdir)(), 'pacs-build-'));
    try {
        const context = {
            ...options,
            created,
            secrets: secrets.all,
            platform: engine.platform,
            namesByConfig: engine.namesByConfig,
            metadataDirectory: scratch,
            redact,
        };
        const make = (source) => withProgress(source.service, log, async (line) => {
            const one = { ...context, log: line };
            return [source.service, source.kind === 'build' ? await buildImage(source, one) : await pullImage(source, one)];
        });
        // A pull waits for the network and a build for the processor: neither queues behind the other.
        const groups = [
            sources.filter((source) => source.kind === 'build'),
            sources.filter((source) => source.kind === 'pull'),
        ];
        const made = await sideBySide(groups.length, groups, (group) => sideBySide(AT_A_TIME, group, make));
        return { schema: 1, commit, images: inOrder(sources, new Map(made.flat())) };
    }
    finally {
        await (0,promises_.rm)(scratch, { recursive: true, force: true });
    }
}
function inOrder(sources, made) {
    const images = {};
    for (const source of sources) {
        const image = made.get(source.kind === 'same' ? source.as : source.service);
        if (image)
            images[source.service] = image;
    }
    return images;
}
/** @returns all secrets for BuildKit, and those among them whose content must not be shown (a CA bundle is public). */
async function checkSecrets({ ca, secrets = {}, }) {
    const problems = new lib/* Problems */.Zw();
    if (ca !== undefined && 'ca' in secrets)
        problems.add('build secrets: the id ca is that of the CA bundle; choose another');
    const all = { ...secrets, ...(ca === undefined ? {} : { ca }) };
    for (const [id, path] of Object.entries(all)) {
        if (!/^[A-Za-z0-9_.-]+$/.test(id))
            problems.add(`build secrets: "${id}" is no id of letters, digits, ., _ and -`);
        // BuildKit reads the option as a line of CSV.
        else if (/[",\n]/.test(path))
            problems.add(`build secret ${id}: the path ${path} holds a comma, quote or line break`);
        else
            await (0,promises_.access)(path).catch(() => problems.add(`build secret ${id}: the file ${path} cannot be read`));
    }
    problems.throwIfAny();
    return { all, values: { ...secrets } };
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/core/core.js
var core = __webpack_require__(6416);
;// CONCATENATED MODULE: ./js/images/draft.js




const draftImageSchema = schemas/* strictObject */.rej({
    /** What the image is called on the machine that built it. */
    local: schemas/* string */.YjP().min(1),
    /** The engine's own name for it, good for one thing: seeing that `local` was moved. On one image store it is the config's digest, on the other the manifest's. */
    image: js_release/* digestSchema */.er,
    /** Digest of the image configuration: what a scan judges and a registry must name. */
    config: js_release/* digestSchema */.er,
    platform: js_release/* releaseImageSchema */.U1.shape.platform,
    verdict: schemas/* null */.chJ(),
    /** Built from source here, or pulled from its vendor. */
    built: schemas/* boolean */.zMY(),
});
const draftSchema = schemas/* strictObject */.rej({
    schema: schemas/* literal */.euz(1),
    commit: schemas/* string */.YjP().regex(/^[0-9a-f]{40}$/),
    images: schemas/* record */.g1P(schemas/* string */.YjP(), draftImageSchema),
});
/** Writes a draft as the file that the build action's output `manifest` names. */
async function writeDraft(path, draft) {
    await (0,promises_.writeFile)(path, `${JSON.stringify(draft, null, 2)}\n`);
}
/**
 * Reads what {@link writeDraft} wrote.
 * @throws Failure `bad-input` that names the file and what is wrong with it.
 */
async function readDraft(path) {
    let text;
    try {
        text = await (0,promises_.readFile)(path, 'utf8');
    }
    catch {
        throw (0,lib/* badInput */.AN)(`${path} cannot be read: give the output "manifest" of a build step of the same job`);
    }
    const parsed = schemas/* string */.YjP()
        .transform((json, context) => {
        try {
            return JSON.parse(json);
        }
        catch {
            context.addIssue({ code: 'custom', message: 'is no JSON' });
            return core/* NEVER */.tm;
        }
    })
        .pipe(draftSchema)
        .safeParse(text);
    if (parsed.success)
        return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
    throw (0,lib/* badInput */.AN)(`${path} is no draft of a release (${problems.join('; ')}): give the output "manifest" of a build step`);
}

;// CONCATENATED MODULE: ./js/images/build-release.js





/** Builds the release image on this machine under the name `local`; equal content and id give an equal image. */
async function buildReleaseImage(manifest, options) {
    const { stackDirectory, agentFile, local, scratch, env, signal } = options;
    const context = (0,external_node_path_.join)(scratch, 'context');
    // BuildKit takes a file of the same path, size and time for one that it has from an earlier build. The manifest holds the
    // hashes of everything else, so a folder named by it is the same for equal content only.
    const folder = (0,js_release/* sha256 */.sc)((0,js_release/* canonicalJson */.dj)(manifest)).slice('sha256:'.length);
    await (0,promises_.mkdir)((0,external_node_path_.join)(context, folder), { recursive: true });
    await (0,js_release/* writeReleaseContext */.cb)((0,external_node_path_.join)(context, folder), { manifest, stackDirectory, agentFile });
    const labels = { [js_release/* KIND_LABEL */.CF]: js_release/* RELEASE_KIND */.rh, 'org.opencontainers.image.revision': manifest.commit };
    const metadata = (0,external_node_path_.join)(scratch, 'metadata.json');
    const args = [
        ...['buildx', 'build', '--load', '--progress', 'plain', '--provenance=false', '--sbom=false'],
        ...['--build-arg', `SOURCE_DATE_EPOCH=${Math.floor(Date.parse(manifest.created) / 1000)}`],
        ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
        ...['--metadata-file', metadata, '--tag', local, '--file', '-', context],
    ];
    await (0,lib/* run */.eF)('docker', args, { env, signal, input: `FROM scratch\nCOPY ${folder}/ /\n` });
    const built = await inspectBuiltImage(local, metadata, { env, signal });
    return { local, ...built, verdict: null, built: true };
}

;// CONCATENATED MODULE: ./js/images/push-image.js




/**
 * Brings an image of this machine to the registry under `target`, reads it back, and compares its configuration with the one that was built.
 * @param target repository and tag; the same content must always get the same tag, or a tag that is used once.
 * @throws Failure `refused` when the image was moved since the build, the registry holds an index or another image; `error` when the registry stays away.
 */
async function pushImage(service, image, target, access) {
    await refuseMoved(service, image, access);
    const known = await lookUp(target, access);
    if (known?.kind === 'manifest' && known.config === image.config) {
        access.log(`known already: ${target}`);
        return { digest: known.digest, uploaded: false };
    }
    const docker = (args) => (0,lib/* tryRun */.JR)('docker', args, access);
    // By the engine's own name: what `local` names a moment later is of no account.
    const tagged = await docker(['tag', image.image, target]);
    if (tagged.code !== 0)
        throw new lib/* Failure */.HR('error', `docker tag for ${service} failed: ${tagged.stderr.trim()}`);
    try {
        const pushed = await (0,js_release/* askRegistry */.rF)('push', target, ['push', target], { ...access, onLine: access.log });
        if (typeof pushed !== 'string') {
            throw (0,lib/* refused */.J5)(`push ${target}: the registry has no such repository: create it, or check the prefix`);
        }
    }
    finally {
        await (0,lib/* tryRun */.JR)('docker', ['image', 'rm', target], { env: access.env });
    }
    const read = await (0,js_release/* requireManifest */.dW)(target, access);
    if (read.config !== image.config) {
        throw (0,lib/* refused */.J5)(`${target}: the registry names the image configuration ${read.config}, built was ${image.config}: another push got in between; push again`);
    }
    return { digest: read.digest, uploaded: true };
}
/** A tag that follows from the content: pushed again, the same image has the same name. */
function contentTag(image) {
    return image.config.replace('sha256:', 'config-');
}
async function refuseMoved(service, image, access) {
    const now = await inspectLocalImage(image.local, access);
    if (!now) {
        throw (0,lib/* refused */.J5)(`image ${image.local} of ${service} is not on this machine any more: run build and push in the same job`);
    }
    if (now.image === image.image)
        return;
    const { config } = await readSavedImage(image.local, access);
    throw (0,lib/* refused */.J5)(`image ${image.local} of ${service} is now ${config}, built was ${image.config}: it was moved between build and push; build again`);
}
// A registry that hides what does not exist yet (403 instead of 404) gives its answer at the push.
async function lookUp(target, access) {
    try {
        return await (0,js_release/* readRegistryImage */.Jz)(target, access);
    }
    catch (thrown) {
        if (thrown instanceof lib/* Failure */.HR && thrown.kind === 'refused')
            return null;
        throw thrown;
    }
}

;// CONCATENATED MODULE: ./js/images/registry-login.js




/**
 * Runs `work` with a docker client that is logged in by a private DOCKER_CONFIG in `directory`, and takes the login away afterwards.
 * @param host of the engine, since a private DOCKER_CONFIG knows no contexts.
 * @throws Failure `bad-input` when the login is for another registry than `prefix`'s, `refused` when the registry does not accept it.
 */
async function withLogin(login, options, work) {
    const { env, signal, log, pause } = options;
    if (!login)
        return work({ env, signal, log, ...(pause ? { pause } : {}) });
    const registry = (0,js_release/* registryOf */.Fv)(options.prefix);
    if (login.server !== registry) {
        throw (0,lib/* badInput */.AN)(`registry login: it is for ${login.server}, but prefix ${options.prefix} is on ${registry}`);
    }
    const redact = (0,lib/* redactor */.$p)([login.password, `${login.username}:${login.password}`]);
    const config = (0,external_node_path_.join)(options.directory, 'config.json');
    await (0,promises_.mkdir)(options.directory, { recursive: true, mode: 0o700 });
    await (0,promises_.chmod)(options.directory, 0o700);
    // An entry that is there keeps docker from looking for a keychain to put the password into.
    await (0,promises_.writeFile)(config, JSON.stringify({ auths: { [registry]: {} } }), { mode: 0o600 });
    const access = {
        env: { ...env, DOCKER_CONFIG: options.directory, ...(options.host === '' ? {} : { DOCKER_HOST: options.host }) },
        signal,
        log,
        redact,
        ...(pause ? { pause } : {}),
    };
    try {
        const args = ['login', '--username', login.username, '--password-stdin', registry];
        await (0,js_release/* askRegistry */.rF)('log in to', registry, args, { ...access, input: login.password });
        return await work(access);
    }
    finally {
        await (0,promises_.rm)(config, { force: true });
    }
}

;// CONCATENATED MODULE: ./js/images/push.js












/** Uploads that run at a time. */
const push_AT_A_TIME = 2;
/** Bytes for the release image, which holds text files and the agent. */
const RELEASE_SPACE = 64 * 1024 ** 2;
/**
 * Pushes every image of a draft and, last, the release image that names them by digest.
 * @throws Failure `bad-input` or `refused`, or `error` when the registry stays away; nothing changed on a server.
 */
async function pushRelease(options) {
    const { draft, prefix, env, log, signal } = options;
    const { stack, agent } = await checkParts(options);
    const { host } = await checkEngine({ env, signal, space: RELEASE_SPACE });
    const login = { ...options, directory: options.dockerConfigDirectory, host };
    return withLogin(options.registry, login, async (access) => {
        const uploaded = [];
        const known = [];
        const push = (service, image, target) => withProgress(service, log, async (line) => {
            const pushed = await pushImage(service, image, target, { ...access, log: line });
            const list = pushed.uploaded ? uploaded : known;
            list.push(service);
            return pushed.digest;
        });
        const entries = await sideBySide(push_AT_A_TIME, Object.entries(draft.images), async ([service, image]) => {
            const ref = `${prefix}/${service}`;
            const digest = await push(service, image, `${ref}:${contentTag(image)}`);
            return [service, { ref, digest, config: image.config, platform: image.platform, verdict: image.verdict }];
        });
        const manifest = js_release/* releaseManifestSchema */.W8.parse({
            schema: 1,
            id: (0,js_release/* releaseId */.Bf)(draft.commit, options.created),
            commit: draft.commit,
            repository: options.repository,
            actor: options.actor,
            run: options.run,
            created: options.created.toISOString(),
            images: Object.fromEntries(entries),
            migrations: options.migrations,
            stack,
            agent,
        });
        const release = await pushReleaseImage(manifest, options, access, push);
        return { release, manifest, uploaded, known };
    });
}
async function pushReleaseImage(manifest, options, access, push) {
    const repository = `${options.prefix}/release`;
    const scratch = await (0,promises_.mkdtemp)((0,external_node_path_.join)((0,external_node_os_.tmpdir)(), 'pacs-release-'));
    try {
        // Built with the caller's own docker configuration: it needs no login, and a private one may hide buildx.
        const image = await buildReleaseImage(manifest, {
            ...options,
            scratch,
            local: `${repository}:${manifest.id}-built`,
        });
        const digest = await push('release', image, `${repository}:${manifest.id}`);
        access.log(`release ${manifest.id} is ${repository}@${digest}`);
        const release = (0,js_release/* formatPinned */.y6)({ repository, digest });
        (0,js_release/* parsePinned */.A4)('release', release);
        return release;
    }
    finally {
        await (0,promises_.rm)(scratch, { recursive: true, force: true });
    }
}
/** Everything that can be wrong before anything is sent, said at once. */
async function checkParts(options) {
    const { prefix, draft, directory, stackDirectory, agentFile, agentVersion } = options;
    const problems = new lib/* Problems */.Zw();
    const check = (name, schema, value, hint) => {
        if (!schema.safeParse(value).success)
            problems.add(`${name}: "${value}" ${hint}`);
    };
    const shape = js_release/* releaseManifestSchema */.W8.shape;
    check('prefix', js_release/* repositorySchema */._L, prefix, 'is no repository with its registry (like ghcr.io/org/pacs)');
    check('agent version', shape.agent.shape.version, agentVersion, 'is no version (like 1.2.3)');
    check('actor', shape.actor, options.actor, 'must have 1 to 100 characters');
    check('repository', shape.repository, options.repository, 'must have 1 to 200 characters');
    check('run', shape.run, options.run, 'must have at most 300 characters');
    if (Object.keys(draft.images).length === 0)
        problems.add('the draft has no images: run build first');
    if (!(await isDirectory(stackDirectory)))
        problems.add(`stack directory: ${stackDirectory} is no directory`);
    const agent = await (0,promises_.readFile)(agentFile).catch(() => null);
    if (!agent)
        problems.add(`agent: the file ${agentFile} cannot be read`);
    problems.throwIfAny();
    await checkCheckout(directory, draft.commit, options);
    return {
        stack: (0,js_release/* stackHash */.RZ)(await (0,js_release/* listStackFiles */.kA)(stackDirectory)),
        agent: { version: agentVersion, sha256: (0,js_release/* sha256 */.sc)(agent ?? '') },
    };
}
function isDirectory(path) {
    return (0,promises_.stat)(path).then((found) => found.isDirectory(), () => false);
}

;// CONCATENATED MODULE: ./js/images/index.js






/***/ })

};
