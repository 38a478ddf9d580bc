/** Rules for everything that runs in the cluster. */
import { podsOf } from "./pods";
import { type Inputs, type ResourcePolicy, unknown } from "./policy";

const byDigest = /@sha256:[0-9a-f]{64}$/;
const byVersion = /:(?!latest$)\w[\w.-]*$/;

export const imagesByDigest: ResourcePolicy = {
    name: "images-by-digest",
    description:
        "Online, pods name images by digest, as a tag can be moved to another image. Sidecars and other stacks need only a fixed version.",
    faults: (resource) =>
        podsOf(resource).flatMap(({ owner, containers, initContainers }) => [
            ...imageFaults(owner, containers, resource.isProduction),
            ...imageFaults(owner, initContainers, false),
        ]),
};

function imageFaults(owner: string, containers: readonly Inputs[], needsDigest: boolean): string[] {
    const isFixed = (image: unknown) => typeof image === "string" && (byDigest.test(image) || (!needsDigest && byVersion.test(image)));
    const allowed = needsDigest ? "name:version@sha256:…" : "name:version or name@sha256:…";
    return containers
        .filter(({ image }) => image !== unknown && !isFixed(image))
        .map(({ name, image }) => `${owner}: the image of container ${name} is ${image ?? "missing"}; allowed: ${allowed}`);
}

export const requestsAndLimits: ResourcePolicy = {
    name: "requests-and-limits",
    description: "Every container has requests and limits of cpu and memory.",
    faults: (resource) =>
        podsOf(resource).flatMap(({ owner, containers, initContainers }) =>
            [...containers, ...initContainers].flatMap(({ name, resources }) =>
                ["requests", "limits"].flatMap((kind) =>
                    ["cpu", "memory"]
                        .filter(() => resources !== unknown && resources?.[kind] !== unknown)
                        .filter((amount) => resources?.[kind]?.[amount] === undefined)
                        .map((amount) => `${owner}: container ${name} has no resources.${kind}.${amount}`),
                ),
            ),
        ),
};

export const probesOnContainers: ResourcePolicy = {
    name: "probes",
    description: "Every container of a service has a readiness probe and a liveness probe.",
    faults: (resource) =>
        podsOf(resource)
            .filter(({ isService }) => isService)
            .flatMap(({ owner, containers }) =>
                containers.flatMap((container) =>
                    ["readinessProbe", "livenessProbe"]
                        .filter((probe) => container[probe] === undefined)
                        .map((probe) => `${owner}: container ${container.name} has no ${probe}`),
                ),
            ),
};

export const podsAreRestricted: ResourcePolicy = {
    name: "restricted-pods",
    description: "Pods don't run as root, have no more rights than Kubernetes' restricted standard, and can't write to their image.",
    faults: (resource) =>
        podsOf(resource).flatMap(({ owner, spec, containers, initContainers }) =>
            [...podFaults(spec), ...[...containers, ...initContainers].flatMap((container) => containerFaults(container, spec))].map(
                (fault) => `${owner}: ${fault}`,
            ),
        ),
};

function podFaults(spec: Inputs): string[] {
    const shared = ["hostNetwork", "hostPID", "hostIPC"].filter((key) => spec[key] === true).map((key) => `${key} is true; allowed: none`);
    const hostPaths = (Array.isArray(spec.volumes) ? spec.volumes : [])
        .filter((volume: Inputs) => volume.hostPath !== undefined)
        .map((volume: Inputs) => `volume ${volume.name} is a folder of the node (hostPath); allowed: none`);
    const token =
        spec.automountServiceAccountToken === false
            ? []
            : ["automountServiceAccountToken is not false: no process here needs the cluster's API"];
    return [...shared, ...hostPaths, ...token];
}

function containerFaults({ name, securityContext: own = {} }: Inputs, { securityContext: pod = {} }: Inputs): string[] {
    if (own === unknown || pod === unknown) {
        return [];
    }
    // A container's setting overrides its pod's setting.
    const either = (key: string) => own[key] ?? pod[key];
    const wanted: Record<string, boolean> = {
        "runAsNonRoot: true": either("runAsNonRoot") === true && either("runAsUser") !== 0,
        "allowPrivilegeEscalation: false": own.allowPrivilegeEscalation === false && own.privileged !== true,
        "readOnlyRootFilesystem: true": own.readOnlyRootFilesystem === true,
        "capabilities: { drop: [ALL] }": own.capabilities?.drop?.includes("ALL") === true && (own.capabilities.add ?? []).length === 0,
        "seccompProfile: { type: RuntimeDefault }": ["RuntimeDefault", "Localhost"].includes(either("seccompProfile")?.type),
    };
    return Object.entries(wanted)
        .filter(([, isSo]) => !isSo)
        .map(([setting]) => `container ${name} needs securityContext ${setting}, and nothing that undoes it`);
}
