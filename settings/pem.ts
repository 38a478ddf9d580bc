/** Certificates in PEM, as a text or in a file. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface Authority {
    text?: string;
    file?: string;
}

/** Whether it is certificates, at least one, and nothing that isn't. */
export function isPem(text: unknown): boolean {
    const blocks = typeof text === "string" ? (text.match(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g) ?? []) : [];
    return blocks.length > 0 && blocks.every(isCertificate);
}

function isCertificate(block: string): boolean {
    try {
        return block.startsWith("-----BEGIN CERTIFICATE-----") && new X509Certificate(block).subject !== undefined;
    } catch {
        return false;
    }
}

/** Where a path of a stack file leads to. */
const atProgram = (path: string) => resolve(join(__dirname, ".."), path);

export function isPemFile(path: unknown): boolean {
    return typeof path === "string" && existsSync(atProgram(path)) && isPem(readFileSync(atProgram(path), "utf8"));
}

/** The certificates themselves. */
export function pemOf({ text, file = "" }: Authority): string {
    return text ?? readFileSync(atProgram(file), "utf8");
}
