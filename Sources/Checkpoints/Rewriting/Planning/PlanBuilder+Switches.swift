internal import Checkpoints
internal import Elements
internal import Text

/// What tells variants apart and no weight shows: switches that config.json says, or a tensor without
/// elements, as ComfyUI, stable-diffusion.cpp and InvokeAI look for.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ldm/qwen_image/model.py` (the buffer `__index_timestep_zero__` has
/// the shape `[0]`); leejet/stable-diffusion.cpp, `qwen_image.hpp`.
extension PlanBuilder {
  /// The tensors that say what config.json says elsewhere, where the output has none: every single
  /// file, and folders under ComfyUI's names.
  var markers: [PlannedTensor] {
    guard let target,
      !destination.isFolder || (request.layout != nil && target.layout.name == "comfyui")
    else { return [] }
    return setFlags.compactMap { flag in
      guard let marker = flag.marker else { return nil }
      let name = target.prefix + marker
      guard !tensors.contains(where: { $0.name.sameBytes(as: name) }) else { return nil }
      return PlannedTensor(name: name, shape: [0], origin: .bytes([], .f32))
    }
  }

  /// Refuses an output that would be another variant, because nothing in it can say a switch.
  mutating func checkSwitches() throws {
    let hasConfiguration = destination.isFolder && target?.layout.hasConfiguration == true
    guard !hasConfiguration else { return }
    for flag in setFlags where flag.tensors.isEmpty {
      if let marker = flag.marker,
        tensors.contains(where: { $0.name.droppingSuffix(marker) != nil })
      {
        continue
      }
      guard request.dropsSwitches else {
        throw RewritingError.unsupported(
          file: input.path,
          detail: "'\(flag.name)' is said by config.json alone, and the output has none; write a "
            + "folder under diffusers' names, or leave it out with --drop-switches")
      }
      notes.append("'\(flag.name)' is said nowhere in the output")
    }
  }

  private var setFlags: [ModelFamily.Flag] {
    guard let architecture else { return [] }
    return architecture.family.flags.filter { architecture.dimensions.flags[$0.name] == true }
  }
}
