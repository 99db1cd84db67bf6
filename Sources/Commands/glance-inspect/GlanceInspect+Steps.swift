internal import Adapters
internal import ArgumentParser
internal import CommandSupport
internal import Inspection
internal import JSON
internal import Reports
internal import SystemPackage
internal import Tensors

/// The steps of the command.
extension GlanceInspect {
  /// Answers what was asked about besides; reads data where that needs it.
  func details(of inspection: Inspected) throws -> InspectionDetails {
    var details = InspectionDetails()
    if inspection.isPicture, stats || tensors != nil {
      Terminal.note("\(inspection.path): a picture has no tensors")
      return details
    }
    details.tensorGlob = tensors
    if let loader { details.loading = try inspection.loading(by: loader) }
    if let against { details.fit = try inspection.fit(Inspected(of: against)) }
    if let diff {
      let other = try Inspected(of: diff, assumedAlpha: alpha.assumeAlpha)
      let line = ProgressLine("comparing", total: inspection.byteCount, unit: .bytes)
      defer { line.finish() }
      details.difference = try inspection.difference(
        from: other, progress: ReadingProgress { line.update($0) })
    }
    if stats {
      let glob = tensors ?? "*"
      let total = inspection.tensors(matching: glob).reduce(0) { $0 + $1.byteCount }
      let line = ProgressLine("reading", total: total, unit: .bytes)
      defer { line.finish() }
      details.statistics = try inspection.statistics(
        matching: glob, progress: ReadingProgress { line.update($0) })
    }
    return details
  }

  /// Prints the report, or writes it as a page where one is wanted; with `--verbose` both.
  func show(_ inspection: Inspected, _ details: InspectionDetails, isFirst: Bool) throws {
    if !json, html == nil || common.verbose {
      let report = Report(inspection, details, isVerbose: common.verbose)
      let text = report.text(
        columns: Terminal.lineLimit(.output), isVerbose: common.verbose)
      try Terminal.output((isFirst ? "" : "\n") + text)
    }
    if let html {
      var details = details
      if details.tensorGlob == nil, !inspection.isPicture { details.tensorGlob = "*" }
      try write(Report(inspection, details, isVerbose: true), to: html)
    }
  }

  /// Writes a page.
  func write(_ report: Report, to page: FilePath) throws {
    try report.write(to: page, overwrite: force)
    Terminal.note("wrote \(page)")
  }

  /// Prints the violations; answers whether there was none.
  func verify(_ inspection: Inspected, _ details: InspectionDetails) throws -> Bool {
    let violations = inspection.findings(with: details).filter { $0.severity == .error }
    for violation in violations {
      Terminal.failure("\(inspection.path): \(violation.text)")
    }
    if violations.isEmpty, !common.quiet, !json {
      let path = SafeText.terminal(inspection.path.string, limit: 1000)
      try Terminal.output("\(path): \(soundness(inspection, details))\n")
    }
    return violations.isEmpty
  }

  /// What was found sound.
  private func soundness(_ inspection: Inspected, _ details: InspectionDetails) -> String {
    if inspection.isPicture { return "decodes to its end" }
    guard let statistics = details.statistics else { return "headers are sound" }
    let readCount = statistics.count { $0.statistics != nil }
    let unread = statistics.count - readCount
    return "headers are sound, no NaN or infinity in \(Readable.count(readCount, "tensor"))"
      + (unread > 0 ? "; \(unread) of a type that isn't read" : "")
  }

  /// Prints the object of one path, or one with those of several.
  func printReports(_ reports: [JSONValue]) throws {
    if paths.count == 1 {
      for report in reports { try Terminal.output(report.text(.pretty) + "\n") }
      return
    }
    let object: JSONValue = [
      "version": .integer(Int64(Inspected.jsonVersion)), "reports": .array(reports),
    ]
    try Terminal.output(object.text(.pretty) + "\n")
  }
}

/// The loader of a name on the command line.
func loaderRules(_ name: String) throws -> LoaderRules {
  guard let rules = LoaderRules.named(name) else {
    throw ValidationError("expected one of \(LoaderRules.names.joined(separator: ", "))")
  }
  return rules
}
