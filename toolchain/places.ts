import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The root folder of the clone that contains this file. */
export const clone = join(__dirname, "..");

/** Files that `npm run down` keeps: built binaries, base images, steps of docker builds. Each is keyed by its inputs. */
export const cache = join(chosenFolder("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "sms-machine");

/** Images and build steps of the machine's own docker daemon. The registry's content is not kept. */
export const dockerData = join(cache, "docker");

const isRoot = process.getuid?.() === 0;

/** The machine's state: Pulumi's state, passwords, logs, the kubeconfig. `npm run down` removes it. */
export const state = isRoot
    ? "/var/lib/sms-machine"
    : join(chosenFolder("XDG_STATE_HOME") ?? join(homedir(), ".local", "state"), "sms-machine");

/** The socket and PID file of the machine's own docker daemon. */
export const run = isRoot ? "/run/sms-machine" : join(state, "run");

export const dockerSocket = join(run, "docker.sock");
/** The docker client's settings, with the registry's password. Separate from the user's ~/.docker. */
export const dockerClient = join(state, "docker-client");
export const kubeconfig = join(state, "kubeconfig");
export const logs = join(state, "logs");

/** The cluster's name in kind. kind derives the names of the node and of the context from it. */
export const clusterName = "sms-machine";
export const nodeName = `${clusterName}-control-plane`;

/** The kubeconfig context of the machine's own cluster. A stack that names another context uses another cluster. */
export const ownContext = `kind-${clusterName}`;

/** The docker network of the node, the registry and the machine's other containers. */
export const network = "sms-machine";

export const registryContainer = "sms-machine-registry";

/** The folder of the volumes in the node. */
export const volumes = "/var/local-path-provisioner";

/** NodePorts that answer on this host's 127.0.0.1. The first is the product's; tests and experiments use the others. */
export const publishedPorts = Array.from({ length: 20 }, (_, index) => 31090 + index);

/**
 * The name of the machine's own registry in stack files. Its real address may have another port: registryAddress(). A stack that names
 * another registry uses that one.
 */
export const ownRegistry = "127.0.0.1:5000";

/** The prefix of base images in the machine's registry, in stack files. */
export const basePrefix = `${ownRegistry}/base/`;

/** The folder in the variable. A relative path is ignored, as the XDG Base Directory Specification requires. */
function chosenFolder(variable: string): string | undefined {
    const chosen = process.env[variable];
    return chosen !== undefined && isAbsolute(chosen) ? chosen : undefined;
}
