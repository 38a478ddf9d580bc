import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { OperationError } from "./operation";
import { passphraseFault } from "./passwords";

/**
 * The stack's passphrase, from the environment or from a prompt. The prompt asks for a new passphrase twice. Throws an OperationError if
 * a new passphrase is weak.
 */
export async function passphraseOf(isNew: boolean, environment = process.env): Promise<string> {
    const { PULUMI_CONFIG_PASSPHRASE: given, PULUMI_CONFIG_PASSPHRASE_FILE: file } = environment;
    const passphrase = given ?? (file ? readFileSync(file, "utf8").replace(/\r?\n$/, "") : await asked(isNew));
    const fault = passphraseFault(passphrase);
    if (isNew && fault !== undefined) {
        throw new OperationError(`This passphrase is too weak: ${fault}.`);
    }
    return passphrase;
}

async function asked(isNew: boolean): Promise<string> {
    if (!process.stdin.isTTY) {
        throw new OperationError(
            "There is no terminal to ask for the passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE to a file that only you can read.",
        );
    }
    const passphrase = await unseen("Passphrase of the stack's secrets: ");
    if (isNew && (await unseen("Repeat the passphrase: ")) !== passphrase) {
        throw new OperationError("The two passphrases differ. Nothing was changed.");
    }
    return passphrase;
}

/** Asks without showing the input. */
async function unseen(question: string): Promise<string> {
    process.stdout.write(question);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    try {
        return await lines.question("");
    } finally {
        lines.close();
        process.stdout.write("\n");
    }
}
