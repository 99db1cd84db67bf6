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
        list = StorageNotes.removing(from: list)
      }
    }
    if let name = target?.layout.name, ["diffusers", "transformers"].contains(name),
      request.layout != nil || destination.isFolder,
      list["format"] == nil
    {
      list.insert(("format", "pt"), at: 0)
    }
    return list
  }

  /// config.json of a folder: what the tensors say, and for all else the one that is given or that of the
  /// input.
  mutating func configuration() throws -> JSONObject? {
    guard destination.isFolder else { return nil }
    // There may be one that only says how weights are quantised.
    let own = input.configuration?.json.object.flatMap { $0.members.isEmpty ? nil : $0 }
    var known = try givenConfiguration() ?? own
    if !tensors.isUnchanged {
      for key in input.configuration?.quantizationKeys ?? [] { known?[key] = nil }
    }
    guard model != nil else { return known }
    // The class that config.json names has names of its own.
    guard let target, target.layout.hasConfiguration else { return nil }
    if let component = input.description.component {
      return try known ?? publishedConfiguration(of: component)
    }
    guard let architecture else { return known }
    guard architecture.dimensions["head"] != nil else {
      throw RewritingError.usage(
        "\(input.path): the width of a head can't be told from the tensors; give --head-dim")
    }
    return architecture.configuration(keeping: known)
  }

  /// The config.json that the request names, if it does.
  private func givenConfiguration() throws -> JSONObject? {
    guard let folder = request.configurations, target?.layout.hasConfiguration == true else {
      return nil
    }
    let component = input.description.component
    guard let classes = component?.model.classes ?? architecture.map({ [$0.family.className] })
    else { return nil }
    let given = try Configuration(for: classes, in: folder)
    let problems = component?.check(given) ?? []
    guard problems.isEmpty else {
      throw CheckpointError.doesNotFit(
        file: given.file, family: "the tensors of \(input.path)", problems: problems)
    }
    return given.json.object
  }

  /// What the published model of these sizes has.
  private mutating func publishedConfiguration(
    of component: ComponentArchitecture
  ) throws -> JSONObject? {
    guard request.layout != nil else { return nil }
    guard let published = component.publishedConfiguration else {
      throw RewritingError.unsupported(
        file: input.path,
        detail: "its config.json can't be told from the tensors; give --configs FOLDER, with the "
          + "config.json of this model or a diffusers pipeline that has it")
    }
    notes.append(
      "config.json has what the tensors don't tell from \(published.owner); --configs FOLDER takes "
        + "another")
    return published.configuration
  }
}
