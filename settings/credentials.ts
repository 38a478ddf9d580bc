/** Recognizes credentials and checks passwords, for the settings, the policies and generated passwords. */

const credentialName = /PASSW|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|(^|_)(KEY|PWD|DSN)$/i;
const credentialInUrl = /:\/\/[^/\s]*:[^/\s]*@/;

/** Whether a variable or an option of this name holds a credential. */
export function namesCredential(name: string): boolean {
    return credentialName.test(name);
}

/** Whether the text contains an address with a password. */
export function hasPassword(text: string): boolean {
    return credentialInUrl.test(text);
}

const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[!@#$%^&*()_+\-=]/];
const allowed = "8 to 32 characters, of at least three of: upper case, lower case, digits, !@#$%^&*()_+-=; nothing else";

/** Why Alibaba Cloud would refuse the password of a store, or undefined. The reason never contains the password. */
export function passwordFault(password: string): string | undefined {
    const isMadeOf = classes.filter((characters) => characters.test(password)).length;
    const fits = /^[A-Za-z0-9!@#$%^&*()_+\-=]{8,32}$/.test(password);
    return fits && isMadeOf >= 3 ? undefined : allowed;
}
