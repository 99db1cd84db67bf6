public import JSON
public import Rewriting
internal import SystemPackage

extension PipelineConversion {
  /// For programs: version 1 of `glance-convert --json`, with an object for each part.
  ///
  /// - Parameter results: what was written; nil when it was only planned.
  /// - Returns: one object.
  public func json(_ results: [RewritingResult]?) -> JSONValue {
    [
      "format": "glance-convert/1", "dry_run": .bool(results == nil),
      "input": .string(request.input.string), "output": .string(request.output.string),
      "layout": .string(
        request.target == .diffusers ? "diffusers" : "comfyui"),
      "all_in_one": .bool(request.target == .allInOne), "bytes": .integer(Int64(byteCount)),
      "tensors": .integer(Int64(parts.reduce(0) { $0 + $1.plan.tensorCount })),
      "notes": .array(notes.map { .string($0) }),
      "parts": .array(
        parts.enumerated().map { position, part in
          var object = part.plan.json(results?[position]).object ?? JSONObject()
          object["component"] = .string(part.name)
          return .object(object)
        }),
    ]
  }
}
