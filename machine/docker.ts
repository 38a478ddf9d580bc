import { basename, dirname } from "node:path";
import { execa } from "execa";
import { dockerClient, dockerSocket } from "./places";

/** The docker client on one daemon, with settings of the machine's own: the user's ~/.docker stays as it is. */
export class Docker {
    readonly env: Readonly<Record<string, string>>;

    constructor(readonly host: string) {
        this.env = { DOCKER_HOST: host, DOCKER_CONFIG: dockerClient, DOCKER_BUILDKIT: "0", DOCKER_CLI_HINTS: "false" };
    }

    /** Runs a command of the client and gives what it prints. */
    async run(...args: string[]): Promise<string> {
        return (await execa("docker", args, { env: this.env })).stdout;
    }

    /** The same with this on its standard input. */
    async feed(input: string, ...args: string[]): Promise<string> {
        return (await execa("docker", args, { env: this.env, input })).stdout;
    }

    /** Whether the command succeeds. */
    async succeeds(...args: string[]): Promise<boolean> {
        return !(await execa("docker", args, { env: this.env, reject: false, timeout: 120_000 })).failed;
    }

    /** Gives the daemon the image `tag` of what is in a folder; all of it belongs to whom it belongs to there. */
    async importFolder(folder: string, tag: string, changes: readonly string[] = []): Promise<void> {
        const archive = execa("tar", ["-C", folder, "--numeric-owner", "--sort=name", "-c", "."], { buffer: false, encoding: "buffer" });
        const args = ["import", ...changes.flatMap((change) => ["--change", change]), "-", tag];
        await archive.pipe("docker", args, { env: this.env });
    }

    /** Gives the daemon the image `tag` of one static binary. */
    async importBinary(binary: string, tag: string): Promise<void> {
        const layer = execa("tar", ["-C", dirname(binary), "-c", basename(binary)], { buffer: false, encoding: "buffer" });
        const changes = [`ENTRYPOINT ["/${basename(binary)}"]`, "ENV PATH=/"].flatMap((line) => ["--change", line]);
        await layer.pipe("docker", ["import", ...changes, "-", tag], { env: this.env });
    }

    hasImage(image: string): Promise<boolean> {
        return this.succeeds("image", "inspect", image);
    }

    /** `running`, `exited` and so on; nothing where there is no such container. */
    async stateOf(container: string): Promise<string | undefined> {
        const args = ["container", "inspect", "--format", "{{.State.Status}}", container];
        const { failed, stdout } = await execa("docker", args, { env: this.env, reject: false });
        return failed ? undefined : stdout.trim();
    }
}

/** The daemon that answers: the one that the user's own docker command speaks to, else the machine's own. */
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

/** By DOCKER_HOST or by the current docker context, as with colima and OrbStack. */
async function usersHost(): Promise<string | undefined> {
    const { failed, stdout } = await execa("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], { reject: false });
    return failed ? undefined : stdout.trim() || undefined;
}
