// docs: live-resuming
/** Let each new connection go on after the last change that came.
 *
 * Both clients write their request anew for each connection. The document has a variable `$after`,
 * and selects `cursor`.
 */
export function resuming(client) {
  function subscribe(request, sink) {
    const variables = { ...request.variables };
    function next(result) {
      for (const change of Object.values(result.data ?? {})) variables.after = change.cursor;
      sink.next(result);
    }
    const error = (reason) => sink.error(reason);
    const complete = () => sink.complete();
    return client.subscribe({ ...request, variables }, { next, error, complete });
  }
  return { ...client, subscribe };
}
// end
