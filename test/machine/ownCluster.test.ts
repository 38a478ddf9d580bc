import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ensureInDaemon } from "../../lab/machine/baseImages";
import { authorization, statusOf } from "../../lab/machine/client";
import type { Docker } from "../../lab/machine/docker";
import { type Cluster, machineDocker, makeCluster, removeCluster } from "../../lab/machine/kubernetes";
import { nodeImage } from "../../lab/machine/nodeImage";
import { freePort } from "../../lab/machine/ports";
import { introduceRegistry, type Registry, registryUser, removeRegistry, startRegistry } from "../../lab/machine/registry";
import { stackNamed } from "../../lab/machine/stack";
import { built } from "../../toolchain/goModules";
import { clone } from "../../toolchain/places";
import { until } from "../../toolchain/progress";

const name = "sms-theirs";
const node = `${name}-control-plane`;
const context = `kind-${name}`;
const stack = stackNamed("theirs");
const password = "not-the-machines-own";

/** A cluster and a registry that the project did not create. */
describe("an existing cluster", () => {
    const folder = mkdtempSync(join(tmpdir(), "sms-theirs-"));
    const cluster: Cluster = { name, network: name, kubeconfig: join(folder, "kubeconfig"), ports: [] };
    const registry: Registry = { container: `${name}-registry`, network: name, address: "127.0.0.1:5039", password };
    let docker: Docker;

    /** The environment of a user with a cluster: a kubeconfig, and a passphrase and a backend for other stacks. */
    const env: Record<string, string> = {
        KUBECONFIG: cluster.kubeconfig,
        PULUMI_CONFIG_PASSPHRASE: "somebody's own",
        PULUMI_BACKEND_URL: "file:///nowhere",
    };
    const npm = async (script: string, args: readonly string[], input = "") => {
        const { all, exitCode } = await execa("npm", ["run", "--silent", script, "--", ...args], {
            cwd: clone,
            env,
            input,
            all: true,
            reject: false,
        });
        assert.equal(exitCode, 0, all);
        return all;
    };
    const kubectl = async (...args: string[]) =>
        (await docker.run("exec", node, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...args)).trim();
    const objects = async () => {
        const kinds = "namespaces,deployments,statefulsets,services,configmaps,secrets,networkpolicies,persistentvolumes,clusterroles";
        const lines = await kubectl(
            "get",
            kinds,
            "--all-namespaces",
            "--output=jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.metadata.uid}{'\\n'}{end}",
        );
        return lines.split("\n").sort();
    };

    before("a cluster and a registry with base images in it", async () => {
        docker = await machineDocker();
        symlinkSync(join(await built("kubernetes"), "kubectl"), join(folder, "kubectl"));
        env.PATH = `${folder}:${process.env.PATH}`;
        await clear();
        await docker.run("network", "create", name);
        await makeCluster(docker, await nodeImage(docker), cluster);
        await startRegistry(docker, await ensureInDaemon(docker, "registry:2.8"), registry);
        await introduceRegistry(docker, registry, node);
        await docker.feed(password, "login", "--username", registryUser, "--password-stdin", registry.address);
        for (const image of ["python:3.11", "redis:7.0", "mongo:7.0"]) {
            const pushed = `${registry.address}/base/${image}`;
            await docker.run("tag", await ensureInDaemon(docker, image), pushed);
            await docker.run("push", "--quiet", pushed);
        }
        await until(
            async () =>
                (await kubectl("get", "deployments", "-n", "kube-system", "coredns", "-o", "jsonpath={.status.readyReplicas}")) !== "",
            120,
            () => "the cluster isn't ready",
        );
    });

    after("remove", clear);

    /** Runs the other commands: they use kubectl on the PATH, that cluster's context, and the machine's backend, not the exported one. */
    async function lookFurther(): Promise<void> {
        const of = ["--stack", stack.name];
        assert.match(await npm("logs", [...of, "web", "--no-follow"]), /^\[pod\/sms-web-\S+ \{.*"path": ?"\/messages"/m);
        assert.match(await npm("shell", [...of, "worker", "--", "id", "-u"]), /^10001$/m);
        const port = await freePort();
        // Without npm, because npm passes on a Ctrl-C only from a terminal.
        const script = ["-r", "./register.cjs", "operations/pods.ts", "forward", ...of, "--port", `${port}`];
        const forward = execa("node", script, { cwd: clone, env, reject: false, forceKillAfterDelay: 5000 });
        try {
            await until(
                async () => (await statusOf(`http://127.0.0.1:${port}`, "/readyz")) === 200,
                30,
                () => "the forwarded port doesn't answer",
            );
        } finally {
            forward.kill("SIGINT");
        }
        assert.notEqual((await forward).signal, "SIGKILL");
    }

    async function clear(): Promise<void> {
        await removeCluster(docker, cluster);
        await removeRegistry(docker, registry.container);
        await docker.succeeds("network", "rm", name);
        for (const file of [stack.settings, stack.file]) {
            rmSync(file, { force: true });
        }
    }

    it("gets a stack file from a command, with that cluster and that registry in it", async () => {
        await npm("stack:own", [stack.name, "--context", context, "--registry", registry.address, "--username", registryUser]);
        const file = readFileSync(stack.settings, "utf8");
        assert.match(file, new RegExp(`context: ${context}\n`));
        assert.match(file, /baseImage: python:3\.11-slim-bookworm\n/);
        // The same images from the existing registry, so that the test does not need Docker Hub.
        const here = file
            .replace("python:3.11-slim-bookworm", `${registry.address}/base/python:3.11`)
            .replace("image: redis:7.0", `image: ${registry.address}/base/redis:7.0`)
            .replace("image: mongo:7.0", `image: ${registry.address}/base/mongo:7.0`);
        writeFileSync(stack.settings, here);
        await npm("pulumi", ["config", "set", "--secret", "sms:registryPassword", "--stack", stack.name], password);
        assert.ok(!readFileSync(stack.settings, "utf8").includes("secure:"), "secrets stay out of the clone");
    });

    it("runs the product by the same command, and is unchanged after the other command", async () => {
        const before = await objects();
        const told = await npm("up", ["--stack", stack.name]);
        assert.match(told, new RegExp(`sms is ready in the cluster ${context}`));
        const body = JSON.stringify({ to: "+8613800138000", text: "theirs" });
        const pod = await kubectl("-n", "sms", "get", "pods", "-l", "app=sms-web", "-o", "jsonpath={.items[0].metadata.name}");
        const ask = (path: string, data?: string) =>
            kubectl("-n", "sms", "exec", pod, "--", "python", "-c", asking, path, data ?? "", authorization().Authorization);
        const { id } = JSON.parse(await ask("/messages", body)) as { id: string };
        await until(
            async () => JSON.parse(await ask(`/messages/${id}`)).status === "sent",
            60,
            () => "the message isn't sent",
        );
        await lookFurther();
        await npm("down", ["--stack", stack.name]);
        await until(
            async () => (await objects()).join() === before.join(),
            60,
            () => "the cluster is not as it was",
        );
        assert.ok(existsSync(stack.settings) && !existsSync(stack.file));
    });
});

const asking = `
import sys, urllib.request
_, path, data, authorization = sys.argv
headers = {"Content-Type": "application/json", "Authorization": authorization}
request = urllib.request.Request("http://127.0.0.1:8004" + path, data.encode() or None, headers)
print(urllib.request.urlopen(request).read().decode())
`;
