/** An image's name in its parts. */
export interface ImageName {
    /** The registry's host, with its port. Nothing said: Docker Hub. */
    host: string;
    isQualified: boolean;
    /** All but the tag. */
    repository: string;
    tag: string;
}

export function parseImageName(imageName: string): ImageName {
    const [, repository = imageName, tag = "latest"] = /^(.*?)(?::([^:/]+))?$/.exec(imageName) ?? [];
    const first = repository.split("/")[0] ?? "";
    const isQualified = repository.includes("/") && (/[.:]/.test(first) || first === "localhost");
    return { host: registryHost(isQualified ? first : "docker.io"), isQualified, repository, tag };
}

/** The host of `registry.server`, which may be a URL or have a path. All of Docker Hub's names are one. */
export function registryHost(server: string): string {
    const host = server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
    return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}
