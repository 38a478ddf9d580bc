import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The clone that this file lies in. */
export const clone = join(__dirname, "..");

/** What survives `npm run down`: built binaries, base images, steps of docker builds. Each is keyed by its inputs. */
export const cache = join(chosenFolder("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "sms-machine");

/** The images and the steps of builds of the machine's own docker. The registry that they are pushed to is not kept. */
export const dockerData = join(cache, "docker");

const isRoot = process.getuid?.() === 0;

/** What one machine's life leaves behind: Pulumi's state, passwords, logs, the kubeconfig. `npm run down` removes it. */
export const state = isRoot
    ? "/var/lib/sms-machine"
    : join(chosenFolder("XDG_STATE_HOME") ?? join(homedir(), ".local", "state"), "sms-machine");

/** The docker daemon's socket and process id, where it is the machine's own. */
export const run = isRoot ? "/run/sms-machine" : join(state, "run");

/** Of the machine's own docker daemon. */
export const dockerSocket = join(run, "docker.sock");
/** The docker client's settings, with the registry's password: the user's ~/.docker stays as it is. */
export const dockerClient = join(state, "docker-client");
export const kubeconfig = join(state, "kubeconfig");
export const logs = join(state, "logs");

/** The cluster's name for kind, which names its node and its context after it. */
export const clusterName = "sms-machine";
export const nodeName = `${clusterName}-control-plane`;

/** The kubeconfig context of the machine's own cluster. A stack that names another one brings its own cluster. */
export const ownContext = `kind-${clusterName}`;

/** The docker network of the node, the registry and whatever else the machine runs. */
export const network = "sms-machine";

export const registryContainer = "sms-machine-registry";

/** Where the claims' folders are in the node. */
export const volumes = "/var/local-path-provisioner";

/** NodePorts that answer on this host's 127.0.0.1: the product's, and after it those of stacks that tests and experiments make. */
export const publishedPorts = Array.from({ length: 20 }, (_, index) => 31090 + index);

/** The machine's own registry. A stack that names another one brings its own. */
export const ownRegistry = "127.0.0.1:5000";

/** Where the base images that the machine makes lie in its registry. */
export const basePrefix = `${ownRegistry}/base/`;

/** What isn't an absolute path is no choice (XDG Base Directory Specification): it would be a folder beside whoever calls. */
function chosenFolder(variable: string): string | undefined {
    const chosen = process.env[variable];
    return chosen !== undefined && isAbsolute(chosen) ? chosen : undefined;
}
