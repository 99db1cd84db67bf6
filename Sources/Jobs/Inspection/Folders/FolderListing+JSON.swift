public import JSON
internal import SystemPackage

/// The report for programs, documented in formats/inspection.md.
extension FolderListing {
  /// Everything that is known, for programs; of listings that were made for them.
  ///
  /// - Parameter duplicates: the files with the same content, where they were looked for.
  /// - Returns: one object.
  public func json(duplicates: [DuplicateSearch.Group]? = nil) -> JSONValue {
    var object: JSONObject = [
      "version": .integer(Int64(Inspected.jsonVersion)), "path": .string(folder.string),
      "kind": "folder", "reports": .array(entries.map { .object($0.facts ?? [:]) }),
      "other_files": JSONValue(count: otherFileCount),
      "unreadable_names": JSONValue(count: namelessCount),
      "closed_folders": .array(closedFolders.map { .string(folder.pushing($0).string) }),
    ]
    if let duplicates {
      object["duplicates"] = .array(
        duplicates.map { group in
          [
            "bytes": JSONValue(count: group.byteCount),
            "sha256": group.digest.map { .string($0) } ?? .null,
            "copies": .array(
              group.copies.map { names in
                .array(names.map { .string(folder.pushing($0).string) })
              }),
          ]
        })
    }
    return .object(object)
  }
}
