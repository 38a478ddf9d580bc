/** The parts of an image's name. */
export interface ImageName {
    /** The registry's host, with its port. Without a host in the name it is Docker Hub's. */
    host: string;
    /** Whether the name contains a host. */
    isQualified: boolean;
    /** Everything except the tag. */
    repository: string;
    tag: string;
}

export function parseImageName(imageName: string): ImageName {
    const [, repository = imageName, tag = "latest"] = /^(.*?)(?::([^:/]+))?$/.exec(imageName) ?? [];
    const first = repository.split("/")[0] ?? "";
    const isQualified = repository.includes("/") && (/[.:]/.test(first) || first === "localhost");
    return { host: registryHost(isQualified ? first : "docker.io"), isQualified, repository, tag };
}

/** The host of `registry.server`, which may be a URL or have a path. All names of Docker Hub become `docker.io`. */
export function registryHost(server: string): string {
    const host = server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
    return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}
