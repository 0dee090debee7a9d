// docs: form-errors
/** Put each error of a payload at the form's field that it is about, such as `input.key`. */
export function errorsByField(errors) {
  const fields = {};
  for (const { path, message } of errors) {
    const field = path?.join(".") ?? "form"; // What is about no field in particular has no path.
    (fields[field] ??= []).push(message);
  }
  return fields;
}
// end
