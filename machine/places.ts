import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The clone that this file lies in. */
export const clone = join(__dirname, "..");

/** What survives `npm run down`: built binaries, base images, steps of docker builds. Each is keyed by its inputs. */
export const cache = join(chosenFolder("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "sms-machine");

/** The images and the steps of builds of the machine's own docker. The registry that they are pushed to is not kept. */
export const dockerData = join(cache, "docker");

const isRoot = process.getuid?.() === 0;

/**
 * What one machine's life leaves behind: daemons' data, certificates, Pulumi's state, passwords. `npm run down` removes it.
 * Who is not root has no daemons here, and brings a cluster, a registry and a docker daemon.
 */
export const state = isRoot
    ? "/var/lib/sms-machine"
    : join(chosenFolder("XDG_STATE_HOME") ?? join(homedir(), ".local", "state"), "sms-machine");

/** Sockets and process ids. */
export const run = isRoot ? "/run/sms-machine" : join(state, "run");

export const containerdSocket = join(run, "containerd.sock");
export const dockerSocket = join(run, "docker.sock");
/** The docker client's settings, with the registry's password: the user's ~/.docker stays as it is. */
export const dockerClient = join(run, "docker-client");
export const kubeconfig = join(state, "kubeconfig");
export const logs = join(state, "logs");

/** What the cluster's volumes hold: a folder for each. */
export const volumes = join(state, "volumes");

/** How containerd reaches registries by other names than their own: a folder for each host. */
export const registries = join(state, "registries");

/** The kubeconfig context of the machine's own cluster. A stack that names another one brings its own cluster. */
export const ownContext = "sms-machine";

/** The machine's own registry. A stack that names another one brings its own. */
export const ownRegistry = "127.0.0.1:5000";

/** Where the base images that the machine makes lie in its registry. */
export const basePrefix = `${ownRegistry}/base/`;

/** What isn't an absolute path is no choice (XDG Base Directory Specification): it would be a folder beside whoever calls. */
function chosenFolder(variable: string): string | undefined {
    const chosen = process.env[variable];
    return chosen !== undefined && isAbsolute(chosen) ? chosen : undefined;
}
