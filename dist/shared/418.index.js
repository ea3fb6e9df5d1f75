export const id = 418;
export const ids = [418];
export const modules = {

/***/ 2418:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   main: () => (/* binding */ main),
/* harmony export */   post: () => (/* binding */ post)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4379);
/* harmony import */ var _images_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1346);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(3012);
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(8880);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(9651);
/* harmony import */ var _server_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(8989);







function main() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .runAction */ .Cs)('Build', async (job) => {
        const inputs = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .readInputs */ .Ko)({
            images: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .matching */ .wC)(_release_index_js__WEBPACK_IMPORTED_MODULE_4__/* .repositorySchema */ ._L),
            'compose-file': _runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .path */ .Ae,
            version: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .required */ .mw),
            'ca-file': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .path */ .Ae),
            'build-secrets': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .secret */ .rJ)(buildSecrets),
        });
        const { workspace, commit } = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .jobContext */ .Rl)();
        const composeFile = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.relative)(workspace, (0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(workspace, inputs['compose-file']));
        const directory = await (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .makePrivateDirectory */ .Dn)();
        const secrets = await writeSecrets((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'secrets'), inputs['build-secrets']);
        const onGate = async (gate) => {
            const folder = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)(composeFile);
            const sarif = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'stack.sarif');
            await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(sarif, JSON.stringify((0,_images_index_js__WEBPACK_IMPORTED_MODULE_2__/* .gateSarif */ .Rz)(folder, gate)));
            (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .writeOutputs */ .Kn)({ sarif });
            (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .annotate */ .fz)(gate.blockers.map(({ rule, message, file, line }) => ({
                title: rule,
                message,
                file: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(folder, file),
                line,
            })));
            for (const { service, rule, because } of gate.allowed)
                job.report.rows.push([`${service}: ${rule}`, `allowed: ${because}`]);
        };
        const draft = await (0,_images_index_js__WEBPACK_IMPORTED_MODULE_2__/* .buildImages */ .rd)({
            directory: workspace,
            composeFile,
            prefix: inputs.images,
            commit,
            ...(inputs.version === undefined ? {} : { version: inputs.version }),
            ...(inputs['ca-file'] === undefined ? {} : { ca: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(workspace, inputs['ca-file']) }),
            secrets,
            env: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .childEnvironment */ .Qc)(),
            log: _runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .log */ .Rm.foreign,
            onGate,
            signal: job.signal,
        });
        // Stays until the job ends, since the push step of this job reads it.
        const manifest = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'draft.json');
        await (0,_images_index_js__WEBPACK_IMPORTED_MODULE_2__/* .writeDraft */ .d$)(manifest, draft);
        (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .writeOutputs */ .Kn)({ manifest });
        const images = Object.entries(draft.images);
        const built = images.filter(([, image]) => image.built).map(([service]) => service);
        job.report.message = `${images.length} images of ${commit.slice(0, 12)}: ${built.length} built, ${images.length - built.length} pulled.`;
        for (const [service, { config, platform }] of images)
            job.report.rows.push([service, `${platform} ${config}`]);
    });
}
const post = _server_js__WEBPACK_IMPORTED_MODULE_6__/* .cleanUp */ .nY;
/** Lines of `id=value`; each value is masked by itself as well. */
const buildSecrets = (name, value) => {
    const problems = new _lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .Problems */ .Zw();
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
            (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_5__/* .mask */ .dK)(content);
            secrets[id] = content;
        }
    }
    if (problems.found.length > 0)
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(problems.found.join('\n'));
    return secrets;
};
async function writeSecrets(directory, secrets) {
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.mkdir)(directory, { mode: 0o700 });
    const paths = Object.keys(secrets).map((id) => [id, (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, id)]);
    await Promise.all(paths.map(([id, file]) => (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(file, secrets[id] ?? '', { mode: 0o600 })));
    return Object.fromEntries(paths);
}


/***/ })

};
