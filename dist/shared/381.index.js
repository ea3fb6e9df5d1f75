export const id = 381;
export const ids = [381];
export const modules = {

/***/ 6381:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  rd: () => (/* reexport */ buildImages),
  AX: () => (/* reexport */ describeJudgements),
  Rz: () => (/* reexport */ gateSarif),
  dU: () => (/* reexport */ parseWaivers),
  Ms: () => (/* reexport */ pushRelease),
  kF: () => (/* reexport */ readDraft),
  Of: () => (/* reexport */ refusalOf),
  d$: () => (/* reexport */ writeDraft)
});

// UNUSED EXPORTS: DEFAULT_POLICY

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
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

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
;// CONCATENATED MODULE: ./js/images/scan/scanner.js







/**
 * Finds the scanner: the given one, else that of the cache, else the pinned release, fetched once.
 * @throws Failure `refused` when its bytes are not the pinned ones, `bad-input` when none is pinned for this machine, `error` when
 * it cannot be fetched
 */
async function findScanner(options) {
    const { pinned, given, cache, platform = `${process.platform}-${process.arch}`, log } = options;
    if (given) {
        const scanner = { ...given, version: pinned.version };
        await verifyScanner(scanner);
        return scanner;
    }
    const pins = Object.entries(pinned.platforms).find(([name]) => name === platform)?.[1];
    if (!pins) {
        throw (0,lib/* badInput */.AN)(`scanner: Trivy ${pinned.version} is not pinned for ${platform}: give one by scanner and scanner-sha256`);
    }
    const directory = (0,external_node_path_.join)(cache, `trivy-${pinned.version}-${platform}-${pins.archive.slice(0, 12)}`);
    await (0,promises_.mkdir)(directory, { recursive: true, mode: 0o700 });
    const kept = (0,external_node_path_.join)(directory, 'trivy');
    if (pins.binary !== undefined) {
        const found = await hashOf(kept);
        if (found === `sha256:${pins.binary}`)
            return { path: kept, version: pinned.version, sha256: found };
        if (found !== null)
            log(`scanner | ${kept} has the SHA-256 ${found}, pinned is ${pins.binary}: fetched anew`);
    }
    const archive = (0,external_node_path_.join)(directory, 'archive.tar.gz');
    // Where the program's own hash is not known, the archive is kept and unpacked again by each job.
    if (pins.binary !== undefined || (await hashOf(archive)) !== `sha256:${pins.archive}`) {
        await fetchArchive(pins.url, `sha256:${pins.archive}`, archive, options);
    }
    const sha256 = await unpack(archive, kept, pins.binary, options);
    if (pins.binary !== undefined)
        await (0,promises_.rm)(archive, { force: true });
    return { path: kept, version: pinned.version, sha256 };
}
/**
 * To be called right before the scanner is run.
 * @throws Failure `refused` when the file is missing or is not the one whose hash is known
 */
async function verifyScanner({ path, sha256 }) {
    const found = await hashOf(path);
    if (found === sha256)
        return;
    throw (0,lib/* refused */.J5)(found === null
        ? `scanner: ${path} is no file that can be read`
        : `scanner: ${path} has the SHA-256 ${found}, expected is ${sha256}: it is not run, and nothing is judged`);
}
async function fetchArchive(url, expected, file, { env, log, signal }) {
    log(`scanner | fetch ${url}`);
    const part = `${file}.${process.pid}`;
    const limits = ['--connect-timeout', '20', '--speed-limit', '1000', '--speed-time', '30', '--max-filesize', '400M'];
    const retries = ['--retry', '3', '--retry-max-time', '90'];
    try {
        const args = ['--fail', '--silent', '--show-error', '--location', ...limits, ...retries, '--output', part, url];
        const { code, stderr } = await (0,lib/* tryRun */.JR)('curl', args, { env, signal });
        if (code !== 0) {
            const why = stderr.trim().split('\n').at(-1);
            throw new lib/* Failure */.HR('error', `scanner: ${url} could not be fetched (${why}): see the network, or give a scanner of the machine by scanner and scanner-sha256`);
        }
        const found = await hashOf(part);
        if (found !== expected) {
            throw (0,lib/* refused */.J5)(`scanner: ${url} has the SHA-256 ${found}, pinned is ${expected}: it was cut or replaced; nothing is run`);
        }
        await (0,promises_.rename)(part, file);
    }
    finally {
        await (0,promises_.rm)(part, { force: true });
    }
}
/** Unpacks the program beside its place first: a cut one is never taken for it. */
async function unpack(archive, program, pinned, { env, signal }) {
    const beside = await (0,promises_.mkdtemp)(`${program}-new-`);
    try {
        const unpacked = (0,external_node_path_.join)(beside, 'trivy');
        await (0,lib/* run */.eF)('tar', ['-xzf', archive, '-C', beside, '--no-same-owner', 'trivy'], { env, signal });
        const found = (await (0,promises_.lstat)(unpacked)).isFile() ? await hashOf(unpacked) : null;
        if (found === null || (pinned !== undefined && found !== `sha256:${pinned}`)) {
            throw (0,lib/* refused */.J5)(`scanner: the program in ${archive} has the SHA-256 ${found}, pinned is ${pinned}: it is not run`);
        }
        await (0,promises_.chmod)(unpacked, 0o500);
        await (0,promises_.rename)(unpacked, program);
        return found;
    }
    finally {
        await (0,promises_.rm)(beside, { recursive: true, force: true });
    }
}
/** SHA-256 of a file; null when there is none. */
async function hashOf(path) {
    const hash = (0,external_node_crypto_.createHash)('sha256');
    try {
        await (0,external_node_stream_promises_.pipeline)((0,external_node_fs_.createReadStream)(path, { highWaterMark: 1024 * 1024 }), hash);
    }
    catch {
        return null;
    }
    return js_release/* digestSchema */.er.parse(`sha256:${hash.digest('hex')}`);
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/iso.js
var iso = __webpack_require__(3477);
;// CONCATENATED MODULE: ./js/images/scan/trivy.js





/** What of the caller's environment reaches Trivy: the way to the network and to the engine. TRIVY_* would change what it finds. */
const PASSED = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY'];
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const MINUTE = 60_000;
const trivy_metadataSchema = schemas/* object */.Ikc({ Version: schemas/* literal */.euz(2), UpdatedAt: iso/* datetime */.w$({ offset: true }) });
/** The scanner's command line: nothing from the working directory, the environment or a file of anyone's decides what it finds. */
class Trivy {
    #options;
    #env;
    constructor(options, env) {
        this.#options = options;
        this.#env = env;
    }
    static async open(options) {
        const { directory, env, host } = options;
        for (const name of ['empty', 'home', 'tmp'])
            await (0,promises_.mkdir)((0,external_node_path_.join)(directory, name), { recursive: true, mode: 0o700 });
        // A file that is missing counts as empty without a word; these are there, and are empty.
        for (const name of ['config.yaml', 'secret.yaml', 'ignore.yaml'])
            await (0,promises_.writeFile)((0,external_node_path_.join)(directory, name), '{}\n');
        const passed = [...PASSED, ...PROXIES].flatMap((name) => {
            const value = env[name];
            return value === undefined ? [] : [[name, value]];
        });
        return new Trivy(options, {
            ...Object.fromEntries(passed),
            HOME: (0,external_node_path_.join)(directory, 'home'),
            TMPDIR: (0,external_node_path_.join)(directory, 'tmp'),
            // An expired login is refused where no login is needed.
            DOCKER_CONFIG: (0,external_node_path_.join)(directory, 'home'),
            ...(host === '' ? {} : { DOCKER_HOST: host }),
        });
    }
    /**
     * Brings the vulnerability database up to date.
     * @returns when it was made. @throws Failure `error` when no repository gives one
     */
    async updateDatabase() {
        const { databases, cache } = this.#options;
        const repositories = databases.flatMap((name) => ['--db-repository', name]);
        await this.#run('the vulnerability database', ['--download-db-only', ...repositories]);
        const file = (0,external_node_path_.join)(cache, 'db', 'metadata.json');
        const text = await (0,promises_.readFile)(file, 'utf8').catch(() => '');
        const parsed = trivy_metadataSchema.safeParse(jsonOf(text));
        if (!parsed.success)
            throw (0,lib/* refused */.J5)(`scan: ${file} does not say when the vulnerability database was made`);
        return new Date(parsed.data.UpdatedAt);
    }
    /**
     * Scans an image of the engine.
     * @param image the engine's own name for it, so that no tag decides which one is looked at
     * @returns Trivy's JSON. @throws Failure `error` when the scan fails, whatever was found
     */
    async scan(service, image) {
        const { directory, licences } = this.#options;
        const output = (0,external_node_path_.join)(directory, `${service}.json`);
        await this.#run(service, [
            ...['--format', 'json', '--output', output, '--list-all-pkgs', '--show-suppressed'],
            ...['--scanners', `vuln,secret${licences ? ',license' : ''}`, '--image-config-scanners', 'misconfig,secret'],
            ...['--skip-db-update', '--skip-check-update', '--skip-vex-repo-update', '--image-src', 'docker'],
            image,
        ]);
        return (0,promises_.readFile)(output, 'utf8');
    }
    async #run(what, args) {
        const { scanner, directory, cache, log, signal } = this.#options;
        await verifyScanner(scanner);
        const file = (name) => (0,external_node_path_.join)(directory, name);
        const common = [
            ...['image', '--config', file('config.yaml'), '--cache-dir', cache, '--no-progress', '--timeout', '10m'],
            ...['--ignorefile', file('ignore.yaml'), '--secret-config', file('secret.yaml')],
            // Any other code than 0 is a failure of the scanner; what it found stands in its report.
            ...['--exit-code', '0', '--skip-version-check', '--disable-telemetry'],
        ];
        const { code, stderr } = await (0,lib/* tryRun */.JR)(scanner.path, [...common, ...args], {
            env: this.#env,
            cwd: file('empty'),
            timeout: 12 * MINUTE,
            signal,
            onLine: (line) => log(`scan | ${line}`),
        });
        if (code === 0)
            return;
        const why = stderr.split('\n').findLast((line) => /\b(FATAL|ERROR)\b/.test(line)) ?? stderr.split('\n').at(-1);
        throw new lib/* Failure */.HR('error', `scan of ${what} failed, so nothing is judged: Trivy ended with ${code}: ${why?.slice(0, 500)}`);
    }
}
function jsonOf(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}

;// CONCATENATED MODULE: ./js/images/scan/findings.js
/** All that a report holds; of licences only those of `licences`. */
function findingsOf(report, licences) {
    const unwanted = new Set(licences);
    const found = report.Results.flatMap((result) => [
        ...result.Vulnerabilities.map((each) => finding('vulnerability', each.VulnerabilityID, each.Severity, {
            package: each.PkgName,
            installed: each.InstalledVersion,
            fixed: each.FixedVersion,
            path: each.PkgPath ?? (result.Class === 'lang-pkgs' ? result.Target : ''),
            title: each.Title,
            published: each.PublishedDate === undefined ? null : Date.parse(each.PublishedDate),
        })),
        ...result.Secrets.map((each) => finding('secret', each.RuleID, each.Severity, {
            // What stands in the environment or history is found in the image by its digest, which no two builds share.
            path: result.Target === report.Metadata.ImageID ? '(image config)' : result.Target,
            title: each.Title,
        })),
        ...result.Misconfigurations.filter((each) => each.Status === 'FAIL').map((each) => finding('misconfiguration', each.ID, each.Severity, { title: each.Title })),
        ...result.Licenses.filter((each) => unwanted.has(each.Name)).map((each) => 
        // Whoever lists a licence does not want it, whatever Trivy thinks of it.
        finding('licence', each.Name, 'CRITICAL', { package: each.PkgName, path: each.FilePath })),
    ]);
    return [...coverage(report), ...found];
}
/** What makes "nothing was found" worthless. */
function coverage({ Metadata: { OS }, Results }) {
    const found = [];
    const say = (id, title) => found.push(finding('coverage', id, 'CRITICAL', { title }));
    if (OS === undefined || OS.Family === '' || OS.Family === 'none') {
        say('os-unknown', 'no operating system was recognised, so nobody knows which advisories apply');
    }
    else if (OS.EOSL) {
        say('os-end-of-life', `${OS.Family} ${OS.Name} gets no security updates any more, and no advisories`);
    }
    if (!Results.some(({ Packages }) => Packages.length > 0)) {
        say('no-packages', 'no package was found, so there was nothing to look up');
    }
    return found;
}
function finding(kind, id, severity, rest) {
    return { kind, id, severity, package: '', installed: '', fixed: '', path: '', title: '', published: null, ...rest };
}
/** `CVE-2026-1 in openssl`: what is compared from one release to the next. */
function nameOf({ id, package: name, path }) {
    return `${id}${name !== '' ? ` in ${name}` : path !== '' ? ` in ${path}` : ''}`.slice(0, 400);
}

;// CONCATENATED MODULE: ./js/images/scan/report.js



/** From the least to the worst; what has no severity yet stands below. */
const SEVERITIES = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
const severity = schemas/* enum */.k5n(SEVERITIES);
const time = iso/* datetime */.w$({ offset: true });
const vulnerability = schemas/* object */.Ikc({
    VulnerabilityID: schemas/* string */.YjP().min(1),
    PkgName: schemas/* string */.YjP().min(1),
    PkgPath: schemas/* string */.YjP().optional(),
    InstalledVersion: schemas/* string */.YjP().default(''),
    FixedVersion: schemas/* string */.YjP().default(''),
    Severity: severity,
    Title: schemas/* string */.YjP().default(''),
    PublishedDate: time.optional(),
});
const misconfiguration = schemas/* object */.Ikc({
    ID: schemas/* string */.YjP().min(1),
    Title: schemas/* string */.YjP().default(''),
    Severity: severity,
    Status: schemas/* enum */.k5n(['PASS', 'FAIL', 'EXCEPTION']),
});
const secret = schemas/* object */.Ikc({ RuleID: schemas/* string */.YjP().min(1), Title: schemas/* string */.YjP().default(''), Severity: severity });
const licence = schemas/* object */.Ikc({ PkgName: schemas/* string */.YjP(), FilePath: schemas/* string */.YjP(), Name: schemas/* string */.YjP().min(1), Severity: severity });
const result = schemas/* object */.Ikc({
    Target: schemas/* string */.YjP(),
    Class: schemas/* enum */.k5n(['os-pkgs', 'lang-pkgs', 'config', 'secret', 'license', 'license-file']),
    Packages: schemas/* array */.YOg(schemas/* object */.Ikc({ Name: schemas/* string */.YjP() })).default([]),
    Vulnerabilities: schemas/* array */.YOg(vulnerability).default([]),
    Misconfigurations: schemas/* array */.YOg(misconfiguration).default([]),
    Secrets: schemas/* array */.YOg(secret).default([]),
    Licenses: schemas/* array */.YOg(licence).default([]),
    // Ours is the only file of waivers: what was taken out of the report by anything else would be judged by nobody.
    ExperimentalModifiedFindings: schemas/* array */.YOg(schemas/* unknown */.L5J()).max(0, 'holds findings that the scanner took out').default([]),
});
const reportSchema = schemas/* object */.Ikc({
    SchemaVersion: schemas/* literal */.euz(2),
    Trivy: schemas/* object */.Ikc({ Version: schemas/* string */.YjP() }),
    ArtifactType: schemas/* literal */.euz('container_image'),
    Metadata: schemas/* object */.Ikc({
        OS: schemas/* object */.Ikc({ Family: schemas/* string */.YjP(), Name: schemas/* string */.YjP().default(''), EOSL: schemas/* boolean */.zMY().default(false) }).optional(),
        ImageID: js_release/* digestSchema */.er,
    }),
    Results: schemas/* array */.YOg(result).default([]),
});
/**
 * Reads the JSON of one scan.
 * @param subject whose report it is, for messages
 * @throws Failure `refused` when it was cut, has another schema, or is of another version of the scanner
 */
function parseReport(subject, text, version) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        throw unreadable(subject, `is no whole JSON (${text.length} characters)`);
    }
    const parsed = reportSchema.safeParse(value);
    if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw unreadable(subject, `has another schema (${issue?.path.join('.')}: ${issue?.message})`);
    }
    if (parsed.data.Trivy.Version !== version) {
        throw unreadable(subject, `is of Trivy ${parsed.data.Trivy.Version}, pinned is ${version}`);
    }
    return parsed.data;
}
function unreadable(subject, why) {
    return new lib/* Failure */.HR('refused', `scan of ${subject}: the report ${why}: without a report nothing is judged; build again`);
}

;// CONCATENATED MODULE: ./js/images/scan/policy.js

/** Own images refuse what can be mended; vendors' images refuse what is new, since nobody here can mend the rest. */
const DEFAULT_POLICY = { severity: 'HIGH', unfixed: false, grace: 0, licences: [], vendors: 'new' };
const DAY = 86_400_000;
/** Whether the policy refuses `finding` in an image of one's own. @param now milliseconds of the epoch */
function refuses(policy, finding, now) {
    if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(policy.severity))
        return false;
    if (finding.kind !== 'vulnerability')
        return true;
    if (finding.fixed === '' && !policy.unfixed)
        return false;
    return finding.published === null || now - finding.published >= policy.grace * DAY;
}

// EXTERNAL MODULE: ../../node_modules/yaml/dist/index.js
var dist = __webpack_require__(3483);
;// CONCATENATED MODULE: ./js/images/scan/waivers.js



const waivers_text = schemas/* string */.YjP().trim().min(1, 'is empty');
const waiverSchema = schemas/* strictObject */.rej({
    id: waivers_text,
    reason: schemas/* string */.YjP().trim().min(10, 'must say in at least 10 characters why the finding does no harm here'),
    owner: waivers_text,
    expires: schemas/* string */.YjP().pipe(iso/* date */.p6('must be a day (2026-12-31)')),
    image: waivers_text.optional(),
    package: waivers_text.optional(),
    path: waivers_text.optional(),
});
const LONGEST_DAYS = 90;
const waivers_DAY = 86_400_000;
/**
 * Reads the waivers file: a list with id, reason, owner and expires, and optionally image (the service), package and path.
 * @param now milliseconds of the epoch
 * @throws Failure `bad-input` with every mistake, each with file and line; a waiver that has expired is one
 */
function parseWaivers(file, source, now) {
    const lines = new dist/* LineCounter */.HN();
    const document = (0,dist/* parseDocument */.Tp)(source, { lineCounter: lines });
    const problems = new lib/* Problems */.Zw();
    for (const { pos, message } of document.errors) {
        problems.add(`${file}:${lines.linePos(pos[0]).line}: ${message.split('\n')[0]}`);
    }
    problems.throwIfAny();
    const parsed = schemas/* array */.YOg(schemas/* unknown */.L5J()).safeParse(document.toJS({ maxAliasCount: 0 }) ?? []);
    if (!parsed.success)
        problems.add(`${file}:1: the file is no list of waivers (- id: … reason: … owner: … expires: …)`);
    const waivers = [];
    for (const [index, value] of (parsed.data ?? []).entries()) {
        const at = `${file}:${lineOf([index])}`;
        const waiver = waiverSchema.safeParse(value);
        if (!waiver.success)
            for (const issue of waiver.error.issues)
                complain(index, issue);
        else if (checkExpiry(waiver.data.expires, `${file}:${lineOf([index, 'expires'])}`)) {
            waivers.push({ ...waiver.data, at });
        }
    }
    problems.throwIfAny();
    return waivers;
    function complain(index, issue) {
        const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
        for (const key of keys) {
            const known = Object.keys(waiverSchema.shape).join(', ');
            problems.add(`${file}:${lineOf([index, key])}: ${key} is not known; known are ${known}`);
        }
        if (keys.length > 0)
            return;
        const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
        const name = issue.path.join('.') || 'the waiver';
        const said = missing ? 'is missing' : issue.code === 'invalid_type' ? `is no ${issue.expected}` : issue.message;
        problems.add(`${file}:${lineOf([index, ...issue.path])}: ${name} ${said}`);
    }
    function checkExpiry(day, at) {
        // Up to the end of that day, in UTC: the day that a person wrote still counts.
        const left = Date.parse(day) + waivers_DAY - now;
        if (left <= 0)
            problems.add(`${at}: expired on ${day}: mend the finding, or judge it anew and write a later day`);
        else if (left > (LONGEST_DAYS + 1) * waivers_DAY) {
            problems.add(`${at}: ${day} is more than ${LONGEST_DAYS} days ahead: write an earlier day and judge it anew then`);
        }
        else
            return true;
        return false;
    }
    /** The line of the value at `path`, or of the nearest one around what is missing. */
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
/** Whether `waiver` is for `finding` in the image of `service`. What it leaves out, it does not ask for. */
function covers(waiver, service, finding) {
    return (waiver.id === finding.id &&
        (waiver.image ?? service) === service &&
        (waiver.package ?? finding.package) === finding.package &&
        (waiver.path ?? finding.path) === finding.path);
}

;// CONCATENATED MODULE: ./js/images/scan/verdict.js






/**
 * Judges one image by the scanner's own words.
 * @throws Failure `refused` when the report cannot be read or is about another image
 */
function judge(scan, standard) {
    const { service, image } = scan;
    const report = parseReport(service, scan.report, scan.scanner.version);
    if (report.Metadata.ImageID !== image) {
        throw (0,lib/* refused */.J5)(`scan of ${service}: the report is about image ${report.Metadata.ImageID}, built was ${image}: it was moved in between; build again`);
    }
    const { policy, waivers, now } = standard;
    const findings = worstFirst(findingsOf(report, policy.licences));
    const against = findings.filter((finding) => refuses(policy, finding, now.getTime()));
    const waived = [];
    const open = [];
    const refusing = [];
    for (const finding of against) {
        const waiver = waivers.find((each) => covers(each, service, finding));
        if (waiver)
            waived.push({ finding, waiver });
        else if (passes(finding, scan, standard))
            open.push(finding);
        else
            refusing.push(finding);
    }
    const decided = new Set([...waived.map(({ finding }) => finding), ...refusing]);
    const verdict = {
        scanner: scan.scanner,
        database: scan.database.toISOString(),
        judged: now.toISOString(),
        found: countBySeverity(findings),
        open: names(open),
        waived: names(waived.map(({ finding }) => finding)),
        report: (0,js_release/* sha256 */.sc)(scan.report),
    };
    return {
        service,
        verdict: refusing.length === 0 ? verdict : null,
        refused: refusing,
        waived,
        reported: findings.filter((finding) => !decided.has(finding)),
    };
}
/** Whether a vendor's image may have a finding that no own image may: nobody here can mend it, but nothing gets worse unseen. */
function passes(finding, { built, service }, { policy, known }) {
    // An image that nothing is known about passes by allowance only, whoever made it.
    if (built || finding.kind === 'coverage' || policy.vendors === 'all')
        return false;
    return policy.vendors === 'report' || (known.get(service)?.has(nameOf(finding)) ?? true);
}
/** Waivers that no finding of any image needed. */
function unusedWaivers(waivers, judgements) {
    const used = new Set(judgements.flatMap(({ waived }) => waived.map(({ waiver }) => waiver)));
    return waivers.filter((waiver) => !used.has(waiver));
}
const HOUR = 3_600_000;
const OLDEST_HOURS = 24;
/**
 * @param made when the vulnerability database was made
 * @throws Failure `refused` when it is older than 24 hours, or from the future by more than one
 */
function requireFreshDatabase(made, now) {
    const hours = (now.getTime() - made.getTime()) / HOUR;
    const at = `the vulnerability database is of ${made.toISOString()}`;
    if (hours > OLDEST_HOURS) {
        throw (0,lib/* refused */.J5)(`scan: ${at}, ${Math.floor(hours)} h old, allowed are ${OLDEST_HOURS} h: what was found since would be missed; see why scan-database gives no newer one`);
    }
    if (hours < -1)
        throw (0,lib/* refused */.J5)(`scan: ${at}, which is in the future: set the clock of this machine right`);
}
function worstFirst(findings) {
    const rank = ({ severity }) => SEVERITIES.indexOf(severity);
    return findings.toSorted((a, b) => rank(b) - rank(a) || (nameOf(a) < nameOf(b) ? -1 : 1));
}
function countBySeverity(findings) {
    const of = (severity) => findings.filter((each) => each.severity === severity).length;
    return { critical: of('CRITICAL'), high: of('HIGH'), medium: of('MEDIUM'), low: of('LOW'), unknown: of('UNKNOWN') };
}
/** Each name once, in order. */
function names(findings) {
    return [...new Set(findings.map(nameOf))].sort();
}

;// CONCATENATED MODULE: ./js/images/scan/scan-images.js






/** Scans images one after the other, each as soon as it is there. */
class ScanLane {
    #ready;
    #last;
    #log;
    #scans = new Map();
    /** Begins at once to bring scanner and database, beside what builds. */
    constructor(options, context) {
        this.#log = context.log;
        this.#ready = prepare(options, context);
        // Whoever scans gets to see it; nobody does when a build has failed before.
        this.#ready.catch(() => undefined);
        this.#last = this.#ready;
    }
    /** Scans what was built or pulled for `service`. @throws Failure when it cannot be scanned, or by a database that is too old */
    async scan(service, { image, built }) {
        const { trivy, scanner, database } = await this.#ready;
        const report = this.#scans.get(image) ??
            this.#enqueue(() => withProgress(`scan of ${service}`, this.#log, () => trivy.scan(service, image)));
        this.#scans.set(image, report);
        return { service, built, image, report: await report, scanner, database };
    }
    /** Resolves when nothing runs any more, well or not. */
    async ended() {
        await this.#last.catch(() => undefined);
    }
    // What Trivy knows of layers lies in a file that one process can open: several at a time would wait for it, or fail.
    #enqueue(work) {
        const next = this.#last.then(work);
        this.#last = next.catch(() => undefined);
        return next;
    }
}
async function prepare(options, context) {
    const { directory, log } = context;
    await (0,promises_.mkdir)(options.cache, { recursive: true, mode: 0o700 });
    const scanner = await findScanner({ ...options, ...context });
    const trivy = await Trivy.open({
        ...context,
        scanner,
        cache: (0,external_node_path_.join)(options.cache, 'trivy'),
        directory: await (0,promises_.mkdtemp)((0,external_node_path_.join)(directory, 'scan-')),
        databases: options.databases,
        licences: options.policy.licences.length > 0,
    });
    const database = await trivy.updateDatabase();
    requireFreshDatabase(database, new Date());
    log(`scan | Trivy ${scanner.version}, database of ${database.toISOString()}`);
    return { trivy, scanner: { version: scanner.version, sha256: scanner.sha256 }, database };
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
 * Builds every image of the stack that has `build:`, pulls the vendors' ones, for the engine's platform, and judges each.
 * @throws Failure `bad-input` or `refused` before anything was built, `error` when a build, a pull or a scan failed.
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
    options.onGate(gate);
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
        const lane = options.scan && new ScanLane(options.scan, { ...options, directory: scratch, host: engine.host });
        const scans = [];
        const make = (source) => withProgress(source.service, log, async (line) => {
            const one = { ...context, log: line };
            const image = source.kind === 'build' ? await buildImage(source, one) : await pullImage(source, one);
            const scan = lane?.scan(source.service, image);
            // Looked at when all is built; until then a failure waits.
            scan?.catch(() => undefined);
            if (scan)
                scans.push(scan);
            return [source.service, image];
        });
        // A pull waits for the network and a build for the processor: neither queues behind the other.
        const groups = [
            sources.filter((source) => source.kind === 'build'),
            sources.filter((source) => source.kind === 'pull'),
        ];
        const made = await sideBySide(groups.length, groups, (group) => sideBySide(AT_A_TIME, group, make)).finally(() => lane?.ended());
        const judged = judgeAll(await Promise.all(scans), options.scan);
        const images = new Map(made.flat().map(([service, image]) => [service, { ...image, verdict: judged.get(service)?.verdict ?? null }]));
        const judgements = sources.flatMap(({ service }) => judged.get(service) ?? []);
        return { draft: { schema: 1, commit, images: inOrder(sources, images) }, judgements };
    }
    finally {
        await (0,promises_.rm)(scratch, { recursive: true, force: true });
    }
}
function judgeAll(scans, options) {
    const now = new Date();
    return new Map(options ? scans.map((scan) => [scan.service, judge(scan, { ...options, now })]) : []);
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
    /** Null for what nobody has judged. */
    verdict: js_release/* verdictSchema */.$D.nullable(),
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

;// CONCATENATED MODULE: ./js/images/scan/describe.js



/** Findings that a message names for each image. */
const NAMED = 5;
/** Rows for a job's summary: one per image, and one per waiver that was used or that nothing needed. */
function describeJudgements(judgements, waivers) {
    const used = new Map(judgements.flatMap(({ waived }) => waived.map(({ waiver, finding }) => [waiver.at, { waiver, finding }])));
    return [
        ...judgements.map((each) => [`scan of ${each.service}`, inShort(each)]),
        ...[...used].map(([at, { waiver, finding }]) => [
            `waived by ${at}`,
            `${nameOf(finding)} until ${waiver.expires}, ${waiver.owner}: ${waiver.reason}`,
        ]),
        ...unusedWaivers(waivers, judgements).map(({ at, id }) => [
            `unused waiver ${at}`,
            `nothing needs ${id}: remove it`,
        ]),
    ];
}
function inShort({ verdict, refused: refusing, waived, reported }) {
    const parts = [verdict === null ? `refused by ${refusing.length}` : 'passed'];
    const open = verdict?.open.length ?? 0;
    if (open > 0)
        parts.push(`${open} of the vendor that no own image may have`);
    if (waived.length > 0)
        parts.push(`${waived.length} waived`);
    if (reported.length > open)
        parts.push(`${reported.length - open} more below the bar or without a fix`);
    return parts.join(', ');
}
/** What refuses a build; undefined when nothing does. */
function refusalOf(judgements) {
    const against = judgements.filter(({ refused: refusing }) => refusing.length > 0);
    if (against.length === 0)
        return undefined;
    const lines = against.map(({ service, refused: refusing }) => {
        const named = refusing.slice(0, NAMED).map(describe_describe).join('; ');
        const more = refusing.length > NAMED ? `; and ${refusing.length - NAMED} more` : '';
        return `the scan refuses the image of ${service}: ${named}${more}`;
    });
    return (0,lib/* refused */.J5)(`${lines.join('\n')}\nmend them (a newer base image or package), or answer for each by a line of the waivers file`);
}
function describe_describe(finding) {
    const mended = finding.fixed === '' ? '' : `, mended in ${finding.fixed}`;
    const installed = finding.installed === '' ? '' : ` ${finding.installed}`;
    const title = finding.package === '' && finding.title !== '' ? `: ${finding.title}` : '';
    return `${nameOf(finding)}${installed} (${finding.severity}${mended})${title}`;
}

;// CONCATENATED MODULE: ./js/images/index.js









/***/ })

};
