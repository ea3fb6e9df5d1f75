export const id = 380;
export const ids = [380];
export const modules = {

/***/ 380:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   main: () => (/* binding */ main),
/* harmony export */   post: () => (/* binding */ post)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3024);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4379);
/* harmony import */ var _images_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6381);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7736);
/* harmony import */ var _migrations_index_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(4859);
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(8880);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(5149);
/* harmony import */ var _server_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(1031);
/* harmony import */ var _transaction_inputs_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(1766);









function main() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .runAction */ .Cs)('Push', async (job) => {
        const inputs = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .readInputs */ .Ko)({
            manifest: _runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .path */ .Ae,
            images: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .matching */ .wC)(_release_index_js__WEBPACK_IMPORTED_MODULE_5__/* .repositorySchema */ ._L),
            'compose-file': _runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .path */ .Ae,
            ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_8__/* .registryInputs */ .P4,
        });
        const { workspace, repository, actor, run: runUrl } = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .jobContext */ .Rl)();
        const login = (0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_8__/* .registryLogin */ .j8)(inputs, { repository: inputs.images });
        if (login.registry)
            maskLogin(login.registry);
        const draft = await (0,_images_index_js__WEBPACK_IMPORTED_MODULE_2__/* .readDraft */ .kF)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(workspace, inputs.manifest));
        const stackDirectory = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(workspace, inputs['compose-file']));
        const migrations = await migrationsIn((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(stackDirectory, 'migrations'));
        const directory = await (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .makePrivateDirectory */ .Dn)();
        const agentFile = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .distDirectory */ .i_)(), 'agent', 'index.js');
        const pushed = await (0,_images_index_js__WEBPACK_IMPORTED_MODULE_2__/* .pushRelease */ .Ms)({
            draft,
            directory: workspace,
            stackDirectory,
            migrations,
            prefix: inputs.images,
            agentFile,
            agentVersion: await versionOf(agentFile),
            actor,
            repository,
            run: runUrl,
            created: new Date(),
            ...login,
            dockerConfigDirectory: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'docker'),
            env: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .childEnvironment */ .Qc)(),
            log: _runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .log */ .Rm.foreign,
            signal: job.signal,
        }).finally(() => (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .removeDirectory */ .q)(directory));
        (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .writeJobOutput */ .m$)('release', pushed.release);
        const { manifest, uploaded, known } = pushed;
        job.report.message = `${manifest.id}: ${uploaded.length} images uploaded, ${known.length} were there.`;
        job.report.rows.push(['release', pushed.release], ['commit', manifest.commit]);
        for (const [service, { digest }] of Object.entries(manifest.images))
            job.report.rows.push([service, digest]);
    });
}
const post = _server_js__WEBPACK_IMPORTED_MODULE_7__/* .cleanUp */ .nY;
/** The migrations that a release carries; none where its stack has no folder of them. */
async function migrationsIn(folder) {
    if (!(0,node_fs__WEBPACK_IMPORTED_MODULE_0__.existsSync)(folder))
        return [];
    return (await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_4__/* .loadMigrations */ .Y$)(folder)).map(({ id, sha256, phase }) => ({ id, sha256, phase }));
}
/** Docker writes a login as base64 of `user:password` into its configuration. */
function maskLogin({ username, password }) {
    (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .mask */ .dK)(Buffer.from(`${username}:${password}`).toString('base64'));
}
/** The version that the agent says of itself, so that the manifest cannot say another. */
async function versionOf(agentFile) {
    const said = await (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .run */ .eF)(process.execPath, [agentFile, 'version'], { env: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_6__/* .childEnvironment */ .Qc)(), timeout: 20_000 });
    const version = /\b\d+\.\d+\.\d+\b/.exec(said)?.[0];
    if (version)
        return version;
    throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .Failure */ .HR('error', `${agentFile} says no version: is dist complete at this tag?`);
}


/***/ }),

/***/ 1766:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ releaseReference),
/* harmony export */   LR: () => (/* binding */ watchInputs),
/* harmony export */   P4: () => (/* binding */ registryInputs),
/* harmony export */   j8: () => (/* binding */ registryLogin),
/* harmony export */   l2: () => (/* binding */ requester)
/* harmony export */ });
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8880);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5149);


const HOUR_MS = 3_600_000;
/** How long a release is watched, and how long the one before it stays at hand. */
const watchInputs = {
    watch: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(HOUR_MS),
    hold: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(HOUR_MS),
    'keep-warm': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(24 * HOUR_MS),
};
/** The login with which the server pulls; an empty password leaves it to what the server has. */
const registryInputs = {
    'registry-username': _runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq,
    'registry-password': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .secret */ .rJ)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .required */ .mw)),
};
/** `release` by digest, in its one spelling. */
const releaseReference = (name, value) => (0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .formatPinned */ .y6)((0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .parsePinned */ .A4)(name, value));
/** The login for the registry of `image`, if a password came. */
function registryLogin(inputs, image) {
    const { 'registry-username': username, 'registry-password': password } = inputs;
    return password === undefined ? {} : { registry: { server: (0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .registryOf */ .Fv)(image.repository), username, password } };
}
/** Who asks, for the server's audit. */
function requester() {
    const { actor, run } = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .jobContext */ .Rl)();
    return { actor, run };
}


/***/ })

};
