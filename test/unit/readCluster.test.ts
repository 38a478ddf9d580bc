import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createSilentServer, type Server as SilentServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../components/cluster";
import { readCluster } from "../../preflight/readCluster";

/** An API server that knows some paths, and notes what it is asked. */
class ApiServer {
    readonly asked: { url: string; headers: IncomingHttpHeaders }[] = [];
    answers: Record<string, unknown> = {};
    private readonly server: Server = createServer(({ url = "", headers }, response) => {
        this.asked.push({ url, headers });
        const [path = ""] = url.split("?");
        response.statusCode = path in this.answers ? 200 : 404;
        response.end(JSON.stringify(this.answers[path] ?? {}));
    });

    async start(): Promise<void> {
        await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    }

    get address(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    stop(): void {
        this.server.closeAllConnections();
        this.server.close();
    }
}

const uid = "11111111-2222-4333-8444-555555555555";

describe("the reader of the cluster", () => {
    let folder: string;
    let silent: SilentServer;
    let api: ApiServer;

    before(async () => {
        folder = mkdtempSync(join(tmpdir(), "sms-kubeconfig-"));
        silent = createSilentServer(() => undefined);
        await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
        api = new ApiServer();
        await api.start();
    });
    beforeEach(() => {
        api.asked.length = 0;
        api.answers = {
            "/api/v1/namespaces/kube-system": { metadata: { uid } },
            "/api/v1/nodes": { items: [{ metadata: { name: "a" } }] },
            "/api/v1/pods": { items: [] },
            "/api/v1/services": { items: [] },
        };
    });
    after(() => {
        silent.close();
        api.stop();
        rmSync(folder, { recursive: true });
    });

    function content(cluster: object, user: object): string {
        return JSON.stringify({
            "current-context": "one",
            contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
            clusters: [{ name: "c", cluster: { server: api.address, "insecure-skip-tls-verify": true, ...cluster } }],
            users: [{ name: "u", user }],
        });
    }

    function file(name: string, text: string): string {
        const path = join(folder, name);
        writeFileSync(path, text);
        return path;
    }

    const read = (access: Access, { kinds = [] as string[], timeoutMs = 8000 } = {}) =>
        readCluster(access, { namespace: "sms", kinds, timeoutMs });

    const authorization = () => new Set(api.asked.map(({ headers }) => headers.authorization));

    it("gives what there is of each, by a kubeconfig's content and its own context", async () => {
        const reading = await read({ content: content({}, { token: "t" }) });
        assert.deepEqual(reading, {
            id: { value: uid },
            nodes: { value: [{ metadata: { name: "a" } }] },
            pods: { value: [] },
            namespace: { value: undefined },
            objects: { value: [] },
            services: { value: [] },
            claims: { value: undefined },
            storageClasses: { reason: "its API server answers 404 when asked for its StorageClasses" },
            hasAutoscaler: false,
            lacksOperator: true,
        });
        assert.deepEqual(authorization(), new Set(["Bearer t"]));
    });

    it("asks for objects by their metadata alone, Secrets above all, and does without kinds that the cluster doesn't know", async () => {
        const metadata = { name: "redis", namespace: "sms", annotations: { "sms/stack": "organization/sms/other" } };
        api.answers["/apis/apps/v1/namespaces/sms/statefulsets"] = { items: [{ metadata }] };
        api.answers["/api/v1/namespaces/sms/secrets"] = { items: null };
        const { objects } = await read({ content: content({}, {}) }, { kinds: ["StatefulSet", "Secret", "ScaledObject"] });
        assert.deepEqual(objects, { value: [{ ...metadata, kind: "StatefulSet" }] });
        const accepted = api.asked.find(({ url }) => url.endsWith("/secrets"))?.headers.accept;
        assert.equal(accepted, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    });

    it("says what it may not read, and gives the rest", async () => {
        delete api.answers["/api/v1/nodes"];
        const { nodes, id } = await read({ content: content({}, {}) });
        assert.deepEqual(nodes, { reason: "its API server answers 404 when asked for its nodes" });
        assert.deepEqual(id, { value: uid });
    });

    it("takes the first of several files that has a name, and none that is missing", async () => {
        const first = file("first", content({}, { token: "first" }));
        const second = file("second", content({ server: "https://127.0.0.1:1" }, { token: "second" }));
        await read({ context: "one", kubeconfig: [join(folder, "missing"), first, second].join(":") });
        assert.deepEqual(authorization(), new Set(["Bearer first"]));
    });

    it("reads ~ in a path as the user's home, as the Kubernetes provider does", async () => {
        const home = process.env.HOME;
        mkdirSync(join(folder, "home"));
        file(join("home", "kubeconfig"), content({}, { token: "home" }));
        process.env.HOME = join(folder, "home");
        try {
            await read({ context: "one", kubeconfig: "~/kubeconfig" });
        } finally {
            process.env.HOME = home;
        }
        assert.deepEqual(authorization(), new Set(["Bearer home"]));
    });

    it("knows a token in a file beside the kubeconfig", async () => {
        file("token", "from-a-file\n");
        await read({ context: "one", kubeconfig: file("tokenFile", content({}, { tokenFile: "token" })) });
        assert.deepEqual(authorization(), new Set(["Bearer from-a-file"]));
    });

    for (const [title, env, token] of [
        ["asks the command that the kubeconfig names, and tells it for what", [{ name: "PREFIX", value: "for-" }], "for-ExecCredential"],
        ["takes a command without variables, as kubectl writes it: env is null", null, "ExecCredential"],
    ] as const) {
        it(title, async () => {
            const kind = "JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind";
            const script = `console.log(JSON.stringify({ status: { token: (process.env.PREFIX ?? "") + ${kind} } }))`;
            const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", script], env };
            await read({ content: content({}, { exec }) });
            assert.deepEqual(authorization(), new Set([`Bearer ${token}`]));
        });
    }

    it("goes through the proxy that the kubeconfig names", async () => {
        const asked: (string | undefined)[] = [];
        const proxy = createServer().on("connect", ({ url }, socket) => {
            asked.push(url);
            const { port } = new URL(api.address);
            const through = connect(Number(port), "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
            socket.pipe(through).pipe(socket);
        });
        await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
        const proxied = {
            server: "http://kubernetes.example.com",
            "proxy-url": `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        };
        try {
            assert.deepEqual((await read({ content: content(proxied, {}) })).id, { value: uid });
        } finally {
            proxy.close();
        }
        assert.deepEqual(new Set(asked), new Set(["kubernetes.example.com:80"]));
    });

    it("waits for a command, and for a cluster, no longer than it may", async () => {
        const exec = { apiVersion: "v1", command: "sleep", args: ["5"] };
        await assert.rejects(read({ content: content({}, { exec }) }, { timeoutMs: 200 }), /no answer within 0\.2 s/);
        const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
        await assert.rejects(read({ content: content({ server }, {}) }, { timeoutMs: 200 }), /no answer within 0\.2 s/);
    });

    it("says which name no kubeconfig has", async () => {
        const kubeconfig = file("names", content({}, {}));
        await assert.rejects(read({ context: "two", kubeconfig }), /no kubeconfig has its context two/);
        await assert.rejects(read({ context: "one", kubeconfig: join(folder, "missing") }), /no kubeconfig has its context one/);
    });

    it("says why a cluster can't be reached", async () => {
        await assert.rejects(read({ content: content({ server: "https://127.0.0.1:1" }, {}) }), /ECONNREFUSED/);
    });
});
