internal import CommandSupport
internal import Failures
internal import Files
internal import Inspection
internal import JSON
internal import Reports
internal import SystemPackage

/// Folders of several things.
extension GlanceInspect {
  /// What a path is.
  enum Subject {
    case whole(Inspected)
    case folder(FolderListing)
  }

  /// Opens a path as one thing, or lists a folder that is none, or whose content was asked for.
  func subject(at path: FilePath) throws -> Subject {
    let assumed = alpha.assumeAlpha
    var options = FolderListing.Options()
    options.assumedAlpha = assumed
    options.forPrograms = json
    if recursive || duplicates, path.isFolder {
      let listing = try FolderListing(of: path, recursive: recursive, options)
      // One that holds nothing is refused as it is without these options.
      if !listing.entries.isEmpty { return .folder(listing) }
    }
    let whole = Result { try Inspected(of: path, assumedAlpha: assumed, base: base) }
    // A question that is asked of one thing keeps the answer that there are several.
    if !asksMore, tensors == nil, !stats,
      let listing = try FolderListing(insteadOf: whole, of: path, options)
    {
      return .folder(listing)
    }
    return .whole(try whole.get())
  }

  /// Prints a folder's content, or writes it as a page.
  ///
  /// - Returns: the object for programs, and the first failure.
  func show(
    _ listing: FolderListing, isFirst: Bool
  ) throws -> (report: JSONValue, failure: FailureKind?) {
    var failures = listing.entries.compactMap(\.failure)
    var groups: [DuplicateSearch.Group]?
    if duplicates {
      let search = DuplicateSearch(in: listing)
      let line = ProgressLine("comparing", total: search.byteCount, unit: .bytes)
      defer { line.finish() }
      let found = search.find(progress: ReadingProgress { line.update($0) })
      groups = found.groups
      for failure in found.failures { Terminal.failure("\(failure)") }
      failures += found.failures
    }
    if check {
      try verify(listing)
      let isSound = listing.entries.allSatisfy { $0.findings.allSatisfy { $0.severity != .error } }
      let kind = failures.first.map { failureKind(of: $0) } ?? (isSound ? nil : .wrongData)
      return (listing.json(), kind)
    }
    let report = FolderReport(listing, duplicates: groups)
    if !json, html == nil || common.verbose {
      let text = report.text(columns: Terminal.lineLimit(.output))
      try Terminal.output((isFirst ? "" : "\n") + text)
    }
    if let html { try write(report.page, to: html) }
    return (listing.json(duplicates: groups), failures.first.map { failureKind(of: $0) })
  }

  /// Prints the violations of everything in a folder.
  private func verify(_ listing: FolderListing) throws {
    var soundCount = 0
    for entry in listing.entries {
      let errors = entry.findings.filter { $0.severity == .error }
      let path = listing.folder.pushing(entry.path)
      if let failure = entry.failure { Terminal.failure("\(failure)") }
      for error in errors { Terminal.failure("\(path): \(error.text)") }
      if errors.isEmpty, entry.failure == nil { soundCount += 1 }
    }
    guard soundCount == listing.entries.count, !common.quiet, !json else { return }
    let folder = SafeText.terminal(listing.folder.string, limit: 1000)
    let things = Readable.count(soundCount, "checkpoint or adapter", "checkpoints and adapters")
    try Terminal.output("\(folder): headers of \(things) are sound\n")
  }
}
