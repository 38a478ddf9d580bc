import { execa } from "execa";
import { hasEncrypted, type StackFile } from "../settings/stackFile";
import { pulumiCommand } from "../toolchain/commands";
import { clone } from "../toolchain/places";
import { OperationError } from "./operation";
import { passphraseOf } from "./passphrase";

/** The user's own backend, with the passphrase of one of its stacks, if the stack has one. */
export interface Backend {
    /** Runs a command of the engine in the clone and returns its output. */
    readonly call: (args: string[], input?: string) => Promise<string>;
}

/** `secretsProvider` encrypts the secrets of a stack that doesn't exist yet. */
export async function backendOf(file: StackFile, secretsProvider?: string): Promise<Backend> {
    const command = await pulumiCommand();
    const isNew = file.encryptionsalt === undefined && !hasEncrypted(file.config);
    const backend = await execa(command, ["whoami", "--json", "--non-interactive"], { cwd: clone, reject: false, stdin: "ignore" });
    if (backend.failed) {
        throw new OperationError(
            `Pulumi has no backend for the state: set PULUMI_BACKEND_URL or \`pulumi login\`; see docs/going-online.md.\n${backend.stderr}`,
        );
    }
    const passphrase = hasPassphrase(file, secretsProvider, backend.stdout)
        ? { PULUMI_CONFIG_PASSPHRASE: await passphraseOf(isNew), PULUMI_CONFIG_PASSPHRASE_FILE: undefined }
        : {};
    const call = async (args: string[], input = "") => {
        const { failed, stdout, stderr } = await execa(command, [...args, "--non-interactive"], {
            cwd: clone,
            // Only the user's own processes can read the environment. Every user of the host can read arguments.
            env: { ...passphrase, PULUMI_SKIP_UPDATE_CHECK: "true" },
            input,
            reject: false,
        });
        if (failed) {
            const reason = /incorrect passphrase/.test(stderr)
                ? "This is not the passphrase that the stack's secrets are encrypted with."
                : stderr;
            throw new OperationError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${reason}`);
        }
        return stdout;
    };
    return { call };
}

/** Whether a passphrase encrypts the stack's secrets. Pulumi Cloud and key services (KMS) need none. */
function hasPassphrase({ encryptionsalt, secretsprovider }: StackFile, wanted: string | undefined, whoami: string): boolean {
    if (encryptionsalt !== undefined) {
        return true;
    }
    const provider = secretsprovider ?? wanted;
    const { url } = JSON.parse(whoami) as { url?: string };
    return provider === undefined || provider === "default" ? !/^https?:/.test(url ?? "") : provider === "passphrase";
}
