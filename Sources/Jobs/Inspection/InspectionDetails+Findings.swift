internal import Adapters
internal import Tensors

/// What reading the numbers brings to light.
extension InspectionDetails {
  /// Numbers that aren't finite, and adapters without effect; none unless the data was read.
  ///
  /// - Parameter inspection: whose details these are.
  /// - Returns: one finding for each tensor, in their order.
  func numberFindings(of inspection: Inspected) -> [Inspected.Finding] {
    guard let statistics else { return [] }
    var findings = statistics.compactMap { read in
      read.statistics?.notFiniteText.map { text in
        Inspected.Finding(.error, "tensor '\(read.tensor.name)' holds \(text)")
      }
    }
    if case .adapter(let file, _) = inspection.subject, findings.isEmpty {
      var options = AdapterReadingOptions()
      options.isPartial = true
      if let adapter = try? file.adapter(options), !adapter.modules.isEmpty, adapter.changesNothing
      {
        findings.append(
          Inspected.Finding(
            .warning,
            "every module's alpha or one of its factors is zero: the adapter changes nothing"))
      }
    }
    return findings
  }
}

extension TensorStatistics {
  /// `3 NaN and 1 infinity of 6,144 numbers`; nil when all are finite.
  fileprivate var notFiniteText: String? {
    var parts: [String] = []
    if nanCount > 0 { parts.append("\(nanCount) NaN") }
    if infinityCount > 0 {
      parts.append("\(infinityCount) \(infinityCount == 1 ? "infinity" : "infinities")")
    }
    return parts.isEmpty ? nil : parts.joined(separator: " and ") + " of \(elementCount) numbers"
  }
}

extension Inspected {
  /// Everything that is wrong or worth knowing, what was found in the data included; errors first.
  public func findings(with details: InspectionDetails) -> [Finding] {
    let all = findings + details.numberFindings(of: self)
    return all.filter { $0.severity == .error } + all.filter { $0.severity == .warning }
  }
}
