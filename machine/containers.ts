import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type Daemon, daemonPid, ensureRunning } from "./daemons";
import { writeWhole } from "./files";
import { buildBridge } from "./network";
import { containerdSocket, dockerData, dockerSocket, ownRegistry, registries, run, state } from "./places";
import { secret } from "./secrets";

export const registryUser = "sms";
export const pauseImage = "registry.k8s.io/pause:3.10";

const containerdConfig = join(state, "containerd.toml");

const containerd: Daemon = {
    name: "containerd",
    command: "/usr/bin/containerd",
    args: ["--config", containerdConfig],
    isReady: () => succeeds("ctr", ["--address", containerdSocket, "version"]),
};

const dockerPidFile = join(run, "docker.pid");

const dockerd: Daemon = {
    name: "dockerd",
    command: "/usr/sbin/dockerd",
    args: [
        "--host",
        `unix://${dockerSocket}`,
        "--containerd",
        containerdSocket,
        "--data-root",
        dockerData,
        "--exec-root",
        join(run, "docker"),
        "--pidfile",
        dockerPidFile,
        "--bridge",
        buildBridge,
    ],
    isReady: () => succeeds("docker", ["--host", `unix://${dockerSocket}`, "version"]),
};

const registryConfig = join(state, "registry.yaml");

const registry: Daemon = {
    name: "docker-registry",
    command: "/usr/bin/docker-registry",
    args: ["serve", registryConfig],
    isReady: async () => (await fetch(`http://${ownRegistry}/v2/`).catch(() => undefined))?.status === 401,
};

export async function succeeds(command: string, args: string[], env?: Record<string, string>): Promise<boolean> {
    const { failed } = await execa(command, args, { reject: false, timeout: 10_000, env });
    return !failed;
}

/** containerd, for the cluster's pods and for dockerd. */
export async function ensureContainerd(): Promise<void> {
    writeWhole(
        containerdConfig,
        `version = 2
root = "${join(state, "containerd")}"
state = "${join(run, "containerd")}"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # The host may lack CAP_SYS_RESOURCE; a score that can't be set would fail each container.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${registries}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(state, "cni")}"
`,
    );
    await ensureRunning(containerd);
}

/** The address of a docker daemon that answers already: of the user's, else of the machine's own. */
export async function presentDocker(): Promise<string | undefined> {
    for (const host of [process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock", `unix://${dockerSocket}`]) {
        if (await succeeds("docker", ["--host", host, "version"])) {
            return host;
        }
    }
    return undefined;
}

/** A docker daemon of the machine's own, on its containerd. Gives its address. */
export async function ensureDocker(): Promise<string> {
    if (daemonPid("dockerd") === undefined) {
        // Left by one that was killed; dockerd takes any process that has the number now for itself.
        rmSync(dockerPidFile, { force: true });
    }
    await ensureRunning(dockerd);
    return `unix://${dockerSocket}`;
}

/** A registry on the loopback that asks for a password: docker and containerd speak plain HTTP to 127.0.0.0/8. */
export async function ensureRegistry(): Promise<void> {
    const users = join(state, "registry.htpasswd");
    if (!existsSync(users)) {
        const { stdout } = await execa("htpasswd", ["-niB", registryUser], { input: secret("registry-password") });
        writeWhole(users, `${stdout.trim()}\n`);
    }
    const storage = join(state, "registry");
    mkdirSync(storage, { recursive: true });
    writeWhole(
        registryConfig,
        `version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: ${storage} }
  delete: { enabled: true }
http: { addr: ${ownRegistry} }
auth:
  htpasswd: { realm: sms-machine, path: ${users} }
`,
    );
    await ensureRunning(registry);
}
