import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { OperationError } from "./operation";
import { passphraseFault } from "./passwords";

/** The stack's passphrase: the environment's, else asked for. A new one is asked for twice and has to be strong. */
export async function passphraseOf(isNew: boolean, environment = process.env): Promise<string> {
    const { PULUMI_CONFIG_PASSPHRASE: given, PULUMI_CONFIG_PASSPHRASE_FILE: file } = environment;
    const passphrase = given ?? (file ? readFileSync(file, "utf8").replace(/\r?\n$/, "") : await asked(isNew));
    const fault = passphraseFault(passphrase);
    if (isNew && fault !== undefined) {
        throw new OperationError(`This passphrase protects nothing: ${fault}.`);
    }
    return passphrase;
}

async function asked(isNew: boolean): Promise<string> {
    if (!process.stdin.isTTY) {
        throw new OperationError(
            "Nobody is here to ask for the passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE to a file that only you can read.",
        );
    }
    const passphrase = await unseen("Passphrase of the stack's secrets: ");
    if (isNew && (await unseen("The same again: ")) !== passphrase) {
        throw new OperationError("These were two different passphrases. Nothing was changed.");
    }
    return passphrase;
}

/** Asks without showing what is typed. */
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
