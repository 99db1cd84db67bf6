internal import Elements
public import JSON
public import Rewriting
internal import SystemPackage
internal import Tensors

extension RewritingPlan {
  /// For programs: version 1 of `glance-convert --json`.
  ///
  /// - Parameter result: what was written; nil when it was only planned.
  /// - Returns: one object.
  public func json(_ result: RewritingResult?) -> JSONValue {
    let summary = self.summary
    var object: JSONObject = [
      "format": "glance-convert/1", "dry_run": .bool(result == nil),
      "input": .string(request.input.string),
      "output": .string(request.output.string),
      "layout": layoutName.map { .string($0) } ?? .null,
      "bytes": count(byteCount), "tensors": count(tensorCount),
      "actions": [
        "copied": count(summary.copied), "renamed": count(summary.renamed),
        "split": count(summary.split), "fused": count(summary.fused),
        "swapped": count(summary.swapped), "cast": count(summary.cast),
        "added": count(summary.added),
      ],
      "left_out": .array(leftOut.map { .string($0.name) }),
      "components_left_out": .array(otherComponents.map { .string($0) }),
      "notes": .array(notes.map { .string($0) }),
    ]
    if let raised = request.form.raised {
      object["raised"] = .array(
        raised.map { ["layer": .string($0.layer), "encoding": .string($0.form)] })
    }
    if let result {
      object["losses"] = .array(
        result.losses.map {
          [
            "tensor": .string($0.tensor), "overflowed": count($0.loss.overflowCount),
            "became_zero": count($0.loss.underflowCount),
          ]
        })
      object["compressed_bytes"] = result.compressedByteCount.map(count) ?? .null
      object["relative_error"] = result.error.map { number($0.relative) } ?? .null
      object["relative_errors"] = .array(
        result.errors.map {
          ["tensor": .string($0.tensor), "relative_error": number($0.error.relative)]
        })
    } else {
      object["steps"] = .array(steps.map { .string($0) })
    }
    return .object(object)
  }
}

private func count(_ count: Int) -> JSONValue { .integer(Int64(count)) }

/// A number; null where it is none that JSON has.
private func number(_ number: Double) -> JSONValue { number.isFinite ? .number(number) : .null }
