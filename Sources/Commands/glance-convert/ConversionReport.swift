internal import Checkpoints
internal import CommandSupport
internal import Conversion
internal import Elements
internal import Reports
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// What a conversion of a checkpoint tells.
struct ConversionReport {
  private let conversion: RewritingPlan
  private let isVerbose: Bool
  /// Names that are shown of a longer list.
  private static let shownCount = 8

  init(_ conversion: RewritingPlan, isVerbose: Bool) {
    self.conversion = conversion
    self.isVerbose = isVerbose
  }

  private var input: String { conversion.request.input.string }

  /// What is left out, and what else should be known before anything is written.
  var warnings: [String] {
    var warnings = conversion.notes.map { "\(input): \($0)" }
    let others = conversion.otherComponents
    if !others.isEmpty {
      warnings.append(
        "\(input): the transformer alone is written, without \(others.joined(separator: ", ")): --layout "
          + "comfyui with a folder as output, or --all-in-one, takes every component")
    }
    let leftOut = conversion.leftOut.map(\.name)
    if !leftOut.isEmpty {
      warnings.append(
        "\(input): \(Readable.count(leftOut.count, "tensor")) without a place in the layout left "
          + "out: \(names(leftOut))")
    }
    return warnings
  }

  /// What is read, what is written, how large, and how every tensor is made.
  var plan: String {
    var lines = ["reads \(SafeText.terminal(input)): \(subject)"]
    lines.append("writes \(written)" + (conversion.isCompressed ? " before compression" : ""))
    lines.append("tensors: \(counts)")
    if let raised { lines.append(raised) }
    if isVerbose { lines += conversion.steps.map { "  " + SafeText.terminal($0, limit: 2000) } }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What is lost for good, when anything is.
  func losses(_ result: RewritingResult) -> [String] {
    [
      loss(result, "overflowed", \.overflowCount), loss(result, "became zero", \.underflowCount),
    ].compactMap(\.self)
  }

  private func loss(
    _ result: RewritingResult, _ what: String, _ count: KeyPath<CastLoss, Int>
  ) -> String? {
    let lossy = result.losses.filter { $0.loss[keyPath: count] > 0 }
      .sorted { $0.loss[keyPath: count] > $1.loss[keyPath: count] }
    guard !lossy.isEmpty else { return nil }
    let sum = lossy.reduce(0) { $0 + $1.loss[keyPath: count] }
    let place =
      isVerbose || lossy.count == 1
      ? names(lossy.map(\.tensor))
      : "\(Readable.count(lossy.count, "tensor")), most in \(SafeText.terminal(lossy[0].tensor))"
    return "\(input): \(Readable.count(sum)) of "
      + "\(Readable.count(conversion.elementCount, "number")) \(what), in \(place)"
  }

  /// What was written, how small it became, and how near it is to what was read.
  ///
  /// - Parameters:
  ///   - result: what was written.
  ///   - part: which part of a file it is; nil for a file or folder of its own.
  /// - Returns: lines.
  func text(_ result: RewritingResult, inside part: String? = nil) -> String {
    var lines = [part.map { "  \($0): \(contents)" } ?? "wrote \(written)"]
    if let size = result.compressedByteCount {
      lines[0] += ", compressed to \(Readable.bytes(size)) (\(percent(size, of: result.byteCount)))"
    }
    if let error = result.error,
      let worst = result.errors.max(by: { $0.error.relative < $1.error.relative })
    {
      lines.append(
        "\(Readable.count(result.errors.count, "tensor")) stored in few bits"
          + (conversion.request.form.encoding == nil ? "" : ", without calibration")
          + ": relative error \(percent(error.relative)), at most \(percent(worst.error.relative)) in "
          + SafeText.terminal(worst.tensor))
    }
    if let raised { lines.append(raised) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// How many layers get finer forms, for the limit of the error.
  private var raised: String? {
    guard let layers = conversion.request.form.raised else { return nil }
    let counts = Dictionary(grouping: layers, by: \.form).map { ($0.key, $0.value.count) }
      .sorted { $0 < $1 }
    let text = counts.map { "\(Readable.count($1, "layer")) raised to \($0)" }
    return "within the error that was asked for: "
      + (text.isEmpty ? "no layer is raised" : text.joined(separator: ", "))
      + "; all matrices together, those in 16 bits counted as exact: "
      + percent(conversion.request.form.raisedError)
  }

  private var subject: String {
    let description = conversion.input.description
    let kind: String
    switch description.subject {
    case .transformer(let architecture):
      kind = [architecture.family.title, description.variant?.title].compactMap(\.self)
        .joined(separator: " ")
    case .component(_, _, let title): kind = title
    case .lookAlike(let title): kind = title
    case .unknown: kind = "tensors of no known model"
    }
    let source = conversion.input.source
    let types = description.dtypes.map(\.dtype.rawValue).joined(separator: ", ")
    let size = Readable.bytes(source.byteCount) + (types.isEmpty ? "" : " (\(types))")
    return [
      kind, description.layoutName.map { "\($0) layout" }, description.storage,
      Readable.count(source.tensors.count, "tensor"), size,
    ].compactMap(\.self).joined(separator: ", ")
  }

  private var written: String {
    "\(SafeText.terminal(conversion.request.output.string)): " + contents
  }

  private var contents: String {
    "\(conversion.layoutName.map { "\($0) layout, " } ?? "")"
      + "\(Readable.count(conversion.tensorCount, "tensor")), "
      + Readable.bytes(conversion.byteCount) + " (\(storage))"
  }

  private var counts: String {
    let summary = conversion.summary
    let parts: [(Int, String)] = [
      (summary.copied, "copied"), (summary.renamed, "renamed"), (summary.split, "split"),
      (summary.fused, "fused"), (summary.swapped, "with halves exchanged"),
      (summary.added, "added"), (summary.cast, "of them stored in another type"),
      (conversion.leftOut.count, "left out"),
    ]
    return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }

  /// Bytes of each type, the largest first.
  private var storage: String {
    let types = conversion.storage
    if types.count < 2 { return types.first?.type ?? "empty" }
    return types.map { "\($0.type) \(Readable.bytes($0.byteCount))" }.joined(separator: ", ")
  }

  private func percent(_ part: Int, of whole: Int) -> String {
    percent(whole == 0 ? 1 : Double(part) / Double(whole))
  }

  private func percent(_ share: Double) -> String {
    Readable.significant(share * 100, digits: 3) + " %"
  }

  private func names(_ list: [String]) -> String {
    let shown = isVerbose ? list.count : Self.shownCount
    return list.prefix(shown).map { SafeText.terminal($0) }.joined(separator: ", ")
      + (list.count > shown ? " and \(list.count - shown) more (--verbose names all)" : "")
  }
}
