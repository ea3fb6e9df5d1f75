export const id = 96;
export const ids = [96];
export const modules = {

/***/ 8096:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main),
  post: () => (/* binding */ post)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/images/index.js + 26 modules
var js_images = __webpack_require__(6381);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var release = __webpack_require__(8880);
// EXTERNAL MODULE: ./js/runner/index.js + 12 modules
var runner = __webpack_require__(5149);
;// CONCATENATED MODULE: ./js/actions/gate-report.js
// What the gate found in a Compose file: at the lines of the file, in the summary, and as SARIF.



/** @param folder of the Compose file, in the checkout */
function reportGate(gate, folder, job) {
    (0,runner/* writeOutputs */.Kn)({ sarif: (0,runner/* writeJsonFile */.An)('pacs-stack.sarif', (0,js_images/* gateSarif */.Rz)(folder, gate)) });
    const { blockers, allowed } = gate;
    (0,runner/* annotate */.fz)(blockers.map(({ rule, message, file, line }) => ({ title: rule, message, file: (0,external_node_path_.join)(folder, file), line })));
    for (const { service, rule, because } of allowed) {
        job.report.rows.push([`${service}: ${rule}`, `allowed: ${because}`]);
    }
}

;// CONCATENATED MODULE: ./js/actions/scan-inputs.js






/** Words by line break, space or comma. */
const words = (_name, value) => value.split(/[\s,]+/).filter(Boolean);
const repositories = (name, value) => words(name, value).map((word) => {
    const repository = word.replace(/:[A-Za-z0-9._-]+$/, '');
    if (release/* repositorySchema */._L.safeParse(repository).success)
        return word;
    throw (0,lib/* badInput */.AN)(`${name}: "${word}" is no repository with its registry (like ghcr.io/aquasecurity/trivy-db:2)`);
});
const sha256 = (name, value) => {
    const parsed = release/* digestSchema */.er.safeParse(`sha256:${value.replace(/^sha256:/, '').toLowerCase()}`);
    if (parsed.success)
        return parsed.data;
    throw (0,lib/* badInput */.AN)(`${name}: "${value}" is no SHA-256 (64 hex digits)`);
};
/** The inputs of the scan. */
const scanInputs = {
    scan: runner/* flag */.Jt,
    scanner: (0,runner/* optional */.lq)(runner/* path */.Ae),
    'scanner-sha256': (0,runner/* optional */.lq)(sha256),
    'scan-database': repositories,
    'scan-severity': (0,runner/* oneOf */.yL)('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
    'scan-unfixed': runner/* flag */.Jt,
    'scan-grace-days': (0,runner/* wholeNumber */.rD)(0, 90),
    'scan-licences': words,
    'scan-vendors': (0,runner/* oneOf */.yL)('new', 'all', 'report'),
    'scan-waivers': (0,runner/* optional */.lq)(runner/* path */.Ae),
};
/**
 * What the inputs ask for; undefined when nothing is to be scanned.
 * @throws Failure `bad-input` with what is wrong with them or with the waivers file
 */
async function scanOptions(inputs, job) {
    if (!inputs.scan)
        return undefined;
    const { scanner, 'scanner-sha256': digest } = inputs;
    if ((scanner === undefined) !== (digest === undefined)) {
        throw (0,lib/* badInput */.AN)('inputs scanner and scanner-sha256: give both, or neither for the pinned one');
    }
    if (scanner !== undefined && !(0,external_node_path_.isAbsolute)(scanner)) {
        throw (0,lib/* badInput */.AN)(`input scanner: "${scanner}" is no absolute path: a checkout must not bring its own scanner`);
    }
    const policy = {
        severity: inputs['scan-severity'],
        unfixed: inputs['scan-unfixed'],
        grace: inputs['scan-grace-days'],
        licences: inputs['scan-licences'],
        vendors: inputs['scan-vendors'],
    };
    const lock = lib/* toolsLock */.lL.parse(JSON.parse(await (0,promises_.readFile)((0,external_node_path_.join)((0,runner/* distDirectory */.i_)(), 'tools.lock.json'), 'utf8')));
    const pinned = lock.tools.trivy;
    if (!pinned)
        throw new Error('tools.lock.json pins no trivy');
    return {
        pinned,
        ...(scanner === undefined || digest === undefined ? {} : { given: { path: scanner, sha256: digest } }),
        databases: inputs['scan-database'],
        policy,
        waivers: await readWaivers(inputs['scan-waivers'], job),
        known: new Map(),
        cache: await (0,runner/* cacheDirectory */.o3)(),
    };
}
async function readWaivers(file, { workspace, baseBranch }) {
    if (file === undefined)
        return [];
    const now = Date.now();
    if (baseBranch !== undefined) {
        // What a pull request brings may not excuse what it brings.
        const at = `refs/remotes/origin/${baseBranch}:${file}`;
        const args = ['-c', `safe.directory=${workspace}`, '-C', workspace, 'show', at];
        const { code, stdout, stderr } = await (0,lib/* tryRun */.JR)('git', args, { env: (0,runner/* childEnvironment */.Qc)() });
        if (code === 0)
            return (0,js_images/* parseWaivers */.dU)(file, stdout, now);
        throw (0,lib/* badInput */.AN)(`input scan-waivers: a pull request is judged by the waivers of ${baseBranch}, and git has no ${at} (${stderr.split('\n')[0]}): check out with fetch-depth: 0`);
    }
    const text = await (0,promises_.readFile)((0,external_node_path_.resolve)(workspace, (0,runner/* required */.mw)('input scan-waivers', file)), 'utf8').catch(() => {
        throw (0,lib/* badInput */.AN)(`input scan-waivers: ${file} cannot be read; without it nothing would be waived, so write an empty file or leave the input out`);
    });
    return (0,js_images/* parseWaivers */.dU)(file, text, now);
}

// EXTERNAL MODULE: ./js/actions/server.js
var server = __webpack_require__(1031);
;// CONCATENATED MODULE: ./js/actions/build.js









function main() {
    return (0,runner/* runAction */.Cs)('Build', async (job) => {
        const inputs = (0,runner/* readInputs */.Ko)({
            images: (0,runner/* matching */.wC)(release/* repositorySchema */._L),
            'compose-file': runner/* path */.Ae,
            version: (0,runner/* optional */.lq)(runner/* required */.mw),
            'ca-file': (0,runner/* optional */.lq)(runner/* path */.Ae),
            'build-secrets': (0,runner/* secret */.rJ)(buildSecrets),
            ...scanInputs,
        });
        const context = (0,runner/* jobContext */.Rl)();
        const { workspace, commit } = context;
        const scan = await scanOptions(inputs, context);
        const composeFile = (0,external_node_path_.relative)(workspace, (0,external_node_path_.resolve)(workspace, inputs['compose-file']));
        const directory = await (0,runner/* makePrivateDirectory */.Dn)();
        const secrets = await writeSecrets((0,external_node_path_.join)(directory, 'secrets'), inputs['build-secrets']);
        const { draft, judgements } = await (0,js_images/* buildImages */.rd)({
            directory: workspace,
            composeFile,
            prefix: inputs.images,
            commit,
            ...(inputs.version === undefined ? {} : { version: inputs.version }),
            ...(inputs['ca-file'] === undefined ? {} : { ca: (0,external_node_path_.resolve)(workspace, inputs['ca-file']) }),
            secrets,
            ...(scan ? { scan } : {}),
            env: (0,runner/* childEnvironment */.Qc)(),
            log: runner/* log */.Rm.foreign,
            onGate: (gate) => reportGate(gate, (0,external_node_path_.dirname)(composeFile), job),
            signal: job.signal,
        });
        job.report.rows.push(...(0,js_images/* describeJudgements */.AX)(judgements, scan?.waivers ?? []));
        const refusal = (0,js_images/* refusalOf */.Of)(judgements);
        if (refusal)
            throw refusal;
        // Stays until the job ends, since the push step of this job reads it.
        const manifest = (0,external_node_path_.join)(directory, 'draft.json');
        await (0,js_images/* writeDraft */.d$)(manifest, draft);
        (0,runner/* writeOutputs */.Kn)({ manifest });
        const images = Object.entries(draft.images);
        const built = images.filter(([, image]) => image.built).map(([service]) => service);
        job.report.message = `${images.length} images of ${commit.slice(0, 12)}: ${built.length} built, ${images.length - built.length} pulled, ${scan ? 'all judged' : 'none judged'}.`;
        for (const [service, { config, platform }] of images)
            job.report.rows.push([service, `${platform} ${config}`]);
    });
}
const post = server/* cleanUp */.nY;
/** Lines of `id=value`; each value is masked by itself as well. */
const buildSecrets = (name, value) => {
    const problems = new lib/* Problems */.Zw();
    const secrets = {};
    for (const [index, line] of value.split(/\r?\n/).entries()) {
        if (line.trim() === '')
            continue;
        const [, id, content] = /^\s*([A-Za-z0-9_.-]{1,64})=(.+)$/.exec(line) ?? [];
        if (id === undefined || content === undefined) {
            problems.add(`${name}: line ${index + 1} is not id=value, with an id of letters, digits, ., _ and -`);
        }
        else if (id in secrets)
            problems.add(`${name}: the id ${id} comes twice`);
        else {
            (0,runner/* mask */.dK)(content);
            secrets[id] = content;
        }
    }
    if (problems.found.length > 0)
        throw (0,lib/* badInput */.AN)(problems.found.join('\n'));
    return secrets;
};
async function writeSecrets(directory, secrets) {
    await (0,promises_.mkdir)(directory, { mode: 0o700 });
    const paths = Object.keys(secrets).map((id) => [id, (0,external_node_path_.join)(directory, id)]);
    await Promise.all(paths.map(([id, file]) => (0,promises_.writeFile)(file, secrets[id] ?? '', { mode: 0o600 })));
    return Object.fromEntries(paths);
}


/***/ })

};
