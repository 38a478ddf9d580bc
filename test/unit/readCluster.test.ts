import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createSilentServer, type Server as SilentServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../components/cluster";
import { readCluster } from "../../preflight/readCluster";
import { sideBySide } from "../sideBySide";

const uid = "11111111-2222-4333-8444-555555555555";

/** A stand-in of an API server that answers some paths and records the requests. */
class ApiServer {
    readonly asked: { url: string; headers: IncomingHttpHeaders }[] = [];
    readonly answers: Record<string, unknown> = {
        "/api/v1/namespaces/kube-system": { metadata: { uid } },
        "/api/v1/nodes": { items: [{ metadata: { name: "a" } }] },
        "/api/v1/pods": { items: [] },
        "/api/v1/services": { items: [] },
        "/apis/scheduling.k8s.io/v1/priorityclasses": { items: [{ metadata: { name: "high" }, value: 1000 }] },
    };
    /** The refusals before the answer, by path: a status and the time for Retry-After. */
    refusals: Record<string, { status: number; retryAfter?: string }[]> = {};
    private readonly server: Server = createServer(({ url = "", headers }, response) => {
        this.asked.push({ url, headers });
        const [path = ""] = url.split("?");
        const refusal = this.refusals[path]?.shift();
        if (refusal !== undefined) {
            response.writeHead(refusal.status, refusal.retryAfter === undefined ? {} : { "retry-after": refusal.retryAfter });
            response.end(JSON.stringify({ message: "storage is (re)initializing" }));
            return;
        }
        response.statusCode = path in this.answers ? 200 : 404;
        response.end(JSON.stringify(this.answers[path] ?? {}));
    });

    async start(): Promise<void> {
        await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    }

    get address(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    get authorization(): Set<string | undefined> {
        return new Set(this.asked.map(({ headers }) => headers.authorization));
    }

    stop(): void {
        this.server.closeAllConnections();
        this.server.close();
    }
}

describe("the reader of the cluster", function () {
    this.timeout(60_000);
    let folder: string;
    let silent: SilentServer;

    before(async () => {
        folder = mkdtempSync(join(tmpdir(), "sms-kubeconfig-"));
        silent = createSilentServer(() => undefined);
        await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
    });
    after(() => {
        silent.close();
        rmSync(folder, { recursive: true });
    });

    const together = sideBySide();
    const test = (title: string, body: (api: ApiServer) => Promise<void>) =>
        together(title, async () => {
            const api = new ApiServer();
            await api.start();
            await body(api).finally(() => api.stop());
        });

    function content(cluster: object, user: object): string {
        return JSON.stringify({
            "current-context": "one",
            contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
            clusters: [{ name: "c", cluster: { "insecure-skip-tls-verify": true, ...cluster } }],
            users: [{ name: "u", user }],
        });
    }

    function file(name: string, text: string): string {
        const path = join(folder, name);
        writeFileSync(path, text);
        return path;
    }

    const read = (access: Access, { kinds = [] as string[], timeoutMs = 30_000 } = {}) =>
        readCluster(access, { namespace: "sms", kinds, timeoutMs });

    test("returns the objects of each kind, with a kubeconfig's content and its own context", async (api) => {
        const reading = await read({ content: content({ server: api.address }, { token: "t" }) });
        assert.deepEqual(reading, {
            id: { value: uid },
            nodes: { value: [{ metadata: { name: "a" } }] },
            pods: { value: [] },
            namespace: { value: undefined },
            objects: { value: [] },
            services: { value: [] },
            claims: { value: undefined },
            storageClasses: { reason: "its API server answers 404 when asked for its StorageClasses" },
            priorityClasses: { value: [{ metadata: { name: "high" }, value: 1000 }] },
            hasAutoscaler: false,
            lacksOperator: true,
        });
        assert.deepEqual(api.authorization, new Set(["Bearer t"]));
    });

    test("reads only objects' metadata, above all of Secrets, and skips kinds that the cluster doesn't have", async (api) => {
        const metadata = { name: "redis", namespace: "sms", annotations: { "sms/stack": "organization/sms/other" } };
        api.answers["/apis/apps/v1/namespaces/sms/statefulsets"] = { items: [{ metadata }] };
        api.answers["/api/v1/namespaces/sms/secrets"] = { items: null };
        const { objects } = await read(
            { content: content({ server: api.address }, {}) },
            { kinds: ["StatefulSet", "Secret", "ScaledObject"] },
        );
        assert.deepEqual(objects, { value: [{ ...metadata, kind: "StatefulSet" }] });
        const accepted = api.asked.find(({ url }) => url.endsWith("/secrets"))?.headers.accept;
        assert.equal(accepted, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    });

    test("reports objects that it may not read, and returns the rest", async (api) => {
        delete api.answers["/api/v1/nodes"];
        const { nodes, id } = await read({ content: content({ server: api.address }, {}) });
        assert.deepEqual(nodes, { reason: "its API server answers 404 when asked for its nodes" });
        assert.deepEqual(id, { value: uid });
    });

    test("asks again if the API server says so, as it does for a new kind", async (api) => {
        const busy = "/apis/monitoring.coreos.com/v1/namespaces/sms/podmonitors";
        api.answers[busy] = { items: [] };
        api.refusals = { [busy]: [{ status: 429, retryAfter: "1" }, { status: 429 }], "/api/v1/nodes": [{ status: 503, retryAfter: "1" }] };
        const { objects, nodes } = await read({ content: content({ server: api.address }, {}) }, { kinds: ["PodMonitor"] });
        assert.deepEqual(objects, { value: [] });
        assert.deepEqual(nodes, { value: [{ metadata: { name: "a" } }] });
        assert.equal(api.asked.filter(({ url }) => url === busy).length, 3);
    });

    test("doesn't wait beyond its limit, and asks only once if the error isn't temporary", async (api) => {
        api.refusals = { "/api/v1/nodes": [{ status: 429, retryAfter: "60" }], "/api/v1/pods": [{ status: 503 }] };
        const { nodes, pods } = await read({ content: content({ server: api.address }, {}) });
        assert.deepEqual(nodes, { reason: "its API server answers 429 when asked for its nodes" });
        assert.deepEqual(pods, { reason: "its API server answers 503 when asked for its pods" });
    });

    test("uses the first of several files that has a name, and ignores missing ones", async (api) => {
        const first = file("first", content({ server: api.address }, { token: "first" }));
        const second = file("second", content({ server: "https://127.0.0.1:1" }, { token: "second" }));
        await read({ context: "one", kubeconfig: [join(folder, "missing"), first, second].join(":") });
        assert.deepEqual(api.authorization, new Set(["Bearer first"]));
    });

    test("reads ~ in a path as the user's home, as the Kubernetes provider does", async (api) => {
        const home = process.env.HOME;
        mkdirSync(join(folder, "home"));
        file(join("home", "kubeconfig"), content({ server: api.address }, { token: "home" }));
        process.env.HOME = join(folder, "home");
        const reading = read({ context: "one", kubeconfig: "~/kubeconfig" });
        // The process has started with its own copy of the environment.
        process.env.HOME = home;
        await reading;
        assert.deepEqual(api.authorization, new Set(["Bearer home"]));
    });

    test("reads a token from a file beside the kubeconfig", async (api) => {
        file("token", "from-a-file\n");
        await read({ context: "one", kubeconfig: file("tokenFile", content({ server: api.address }, { tokenFile: "token" })) });
        assert.deepEqual(api.authorization, new Set(["Bearer from-a-file"]));
    });

    for (const [title, env, token] of [
        ["asks the command that the kubeconfig names, and tells it for what", [{ name: "PREFIX", value: "for-" }], "for-ExecCredential"],
        ["takes a command without variables, as kubectl writes it: env is null", null, "ExecCredential"],
    ] as const) {
        test(title, async (api) => {
            const kind = "JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind";
            const script = `console.log(JSON.stringify({ status: { token: (process.env.PREFIX ?? "") + ${kind} } }))`;
            const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", script], env };
            await read({ content: content({ server: api.address }, { exec }) });
            assert.deepEqual(api.authorization, new Set([`Bearer ${token}`]));
        });
    }

    test("uses the proxy of the kubeconfig", async (api) => {
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

    test("reports a context that no kubeconfig has", async (api) => {
        const kubeconfig = file("names", content({ server: api.address }, {}));
        await assert.rejects(read({ context: "two", kubeconfig }), /no kubeconfig has its context two/);
        await assert.rejects(read({ context: "one", kubeconfig: join(folder, "missing") }), /no kubeconfig has its context one/);
    });

    test("reports why a cluster can't be reached", async () => {
        await assert.rejects(read({ content: content({ server: "https://127.0.0.1:1" }, {}) }), /ECONNREFUSED/);
    });

    // Declared last, so that it runs alone: after 10 s the second limit ends a hanging process with the same message.
    it("limits the wait for a command and for a cluster", async function () {
        this.timeout(10_000);
        const exec = { apiVersion: "v1", command: "sleep", args: ["5"] };
        const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
        const waiting = [content({ server }, { exec }), content({ server }, {})];
        await Promise.all(waiting.map((content) => assert.rejects(read({ content }, { timeoutMs: 200 }), /no answer within 0\.2 s/)));
    });
});
