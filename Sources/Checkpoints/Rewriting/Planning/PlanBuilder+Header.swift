internal import Checkpoints
internal import JSON
internal import SystemPackage
internal import Tensors
internal import Text

/// What goes with the tensors of an output.
extension PlanBuilder {
  /// The input's texts without those that are no longer true.
  var metadata: Metadata {
    var list = input.source.texts
    if !tensors.isUnchanged {
      list = list.withoutDigests
      if copiesBytes {
        list = StorageNotes.renaming(list, renamed)
      } else {
        // Every layer that still is what they say has a note of its own.
        list[StorageNotes.headerKey] = nil
      }
    }
    if target?.layout.name == "diffusers", request.layout != nil || destination.isFolder,
      list["format"] == nil
    {
      list.insert(("format", "pt"), at: 0)
    }
    return list
  }

  /// config.json of a folder; for other components that of the input.
  func configuration() throws -> JSONObject? {
    guard destination.isFolder else { return nil }
    var known = input.configuration?.json.object
    if !tensors.isUnchanged {
      for key in input.configuration?.quantizationKeys ?? [] { known?[key] = nil }
    }
    guard let architecture else { return known }
    // The class that config.json names has diffusers' names.
    guard let target, target.layout.rules.isEmpty else { return nil }
    guard architecture.dimensions["head"] != nil else {
      throw RewritingError.usage(
        "\(input.path): the width of a head can't be told from the tensors; give --head-dim")
    }
    return architecture.configuration(keeping: known)
  }
}
