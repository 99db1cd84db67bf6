internal import Checkpoints
public import Schedules

extension DiffusionPipeline {
  /// A warning for a preset that was made for other families than this model's; nil for one of its
  /// own, for steps of the teacher and for lists of sigmas.
  ///
  /// - Parameters:
  ///   - recipe: what was asked for.
  ///   - option: what asked for it, such as `--schedule`.
  /// - Returns: one line that names both families.
  ///
  /// **Source:** formats/schedules.md, `families`.
  public func warning(about recipe: ScheduleRecipe, option: String) -> String? {
    guard case .preset(let preset) = recipe, !preset.families.contains(defaults.family) else {
      return nil
    }
    let made = preset.families.map(Self.title).joined(separator: " and ")
    return "\(option) \(preset.name): a preset for \(made), and this model is "
      + "\(Self.title(defaults.family)); its steps may not suit it"
  }

  /// A family's name for people.
  private static func title(_ family: String) -> String {
    ModelFamily.named(family)?.title ?? family
  }
}
