/** Certificates in PEM, as a text or in a file. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { atProgram } from "./atProgram";

export interface Authority {
    text?: string;
    file?: string;
}

/** Whether the text contains one certificate or more, and no other PEM block. */
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

export function isPemFile(path: unknown): boolean {
    return typeof path === "string" && existsSync(atProgram(path)) && isPem(readFileSync(atProgram(path), "utf8"));
}

/** The text of the certificates. */
export function pemOf({ text, file = "" }: Authority): string {
    return text ?? readFileSync(atProgram(file), "utf8");
}
