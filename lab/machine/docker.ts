import { basename, dirname } from "node:path";
import { execa } from "execa";
import { dockerClient, dockerSocket } from "../../toolchain/places";

/** The docker client for one daemon. It has its own settings and does not change the user's ~/.docker. */
export class Docker {
    readonly env: Readonly<Record<string, string>>;

    constructor(readonly host: string) {
        this.env = { DOCKER_HOST: host, DOCKER_CONFIG: dockerClient, DOCKER_BUILDKIT: "0", DOCKER_CLI_HINTS: "false" };
    }

    /** Runs a command of the client and returns its standard output. */
    async run(...args: string[]): Promise<string> {
        return (await execa("docker", args, { env: this.env })).stdout;
    }

    /** Like `run`, with `input` on standard input. */
    async feed(input: string, ...args: string[]): Promise<string> {
        return (await execa("docker", args, { env: this.env, input })).stdout;
    }

    /** Whether the command succeeds within 120 s. */
    async succeeds(...args: string[]): Promise<boolean> {
        return !(await execa("docker", args, { env: this.env, reject: false, timeout: 120_000 })).failed;
    }

    /** Imports a folder into the daemon as the image `tag`. All files keep their owners. */
    async importFolder(folder: string, tag: string, changes: readonly string[] = []): Promise<void> {
        const archive = execa("tar", ["-C", folder, "--numeric-owner", "--sort=name", "-c", "."], { buffer: false, encoding: "buffer" });
        const args = ["import", ...changes.flatMap((change) => ["--change", change]), "-", tag];
        await archive.pipe("docker", args, { env: this.env });
    }

    /** Imports one static binary into the daemon as the image `tag`. */
    async importBinary(binary: string, tag: string): Promise<void> {
        const layer = execa("tar", ["-C", dirname(binary), "-c", basename(binary)], { buffer: false, encoding: "buffer" });
        const changes = [`ENTRYPOINT ["/${basename(binary)}"]`, "ENV PATH=/"].flatMap((line) => ["--change", line]);
        await layer.pipe("docker", ["import", ...changes, "-", tag], { env: this.env });
    }

    hasImage(image: string): Promise<boolean> {
        return this.succeeds("image", "inspect", image);
    }

    /** The container's state, such as `running` or `exited`. Undefined if there is no such container. */
    async stateOf(container: string): Promise<string | undefined> {
        const args = ["container", "inspect", "--format", "{{.State.Status}}", container];
        const { failed, stdout } = await execa("docker", args, { env: this.env, reject: false });
        return failed ? undefined : stdout.trim();
    }
}

/** The daemon that answers: the daemon of the user's docker command, else the machine's own. Undefined if none answers. */
export async function presentDocker(): Promise<Docker | undefined> {
    for (const host of [await usersHost(), `unix://${dockerSocket}`]) {
        if (host !== undefined) {
            const docker = new Docker(host);
            if (await docker.succeeds("version")) {
                return docker;
            }
        }
    }
    return undefined;
}

/** The user's daemon, from DOCKER_HOST or from the current docker context (colima, OrbStack). */
async function usersHost(): Promise<string | undefined> {
    const { failed, stdout } = await execa("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], { reject: false });
    return failed ? undefined : stdout.trim() || undefined;
}
